//! Programs that the host starts, through the agent's own runner: the answer comes at once, and what became of a program is
//! asked for later.

use crate::places::{self, located};
use infiniservice_exec::{
    Cancellation, Captured, Finished, Output, Program, Request as Run, RunError, Runner, Status,
};
use infiniservice_qga::bytes::Bytes;
use infiniservice_qga::limits::{
    EXEC_ANSWER_KEPT, EXEC_RECORD_KEPT, MAX_EXEC_OUTPUT_BYTES, MAX_EXEC_RECORD_BYTES, MAX_EXEC_RECORDS,
};
use infiniservice_qga::reply::{ExecPid, ExecStatus};
use infiniservice_qga::request::Capture;
use infiniservice_qga::{Error, Reply};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A program may run until the agent ends.
const NO_LIMIT: Duration = Duration::from_hours(24 * 365);
/// The first number; they are the agent's own, not the system's.
const FIRST: i64 = 1000;

/// All that were started and are remembered.
pub struct Programs {
    runner: Arc<dyn Runner>,
    records: Arc<Mutex<Records>>,
}

#[derive(Default)]
struct Records {
    all: BTreeMap<i64, Record>,
    newest: i64,
}

/// Until the program has ended nothing is known of it.
#[derive(Default)]
struct Record {
    ended: Option<(Instant, ExecStatus)>,
    given: Option<Instant>,
}

impl Record {
    /// Output that is kept.
    fn bytes(&self) -> usize {
        let Some((_, status)) = &self.ended else { return 0 };
        [&status.out_data, &status.err_data].into_iter().flatten().map(|data| data.0.len()).sum()
    }
}

impl std::fmt::Debug for Programs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Programs")
    }
}

/// What is to be started.
#[derive(Debug)]
pub struct Wanted {
    /// An absolute path, or a name.
    pub path: String,
    /// Arguments without the program itself.
    pub arguments: Vec<String>,
    /// `NAME=VALUE`.
    pub environment: Vec<String>,
    /// For its standard input.
    pub input: Vec<u8>,
    /// Of its output this is kept.
    pub capture: Capture,
}

impl Programs {
    /// None so far.
    pub fn new(runner: Arc<dyn Runner>) -> Self {
        Self { runner, records: Arc::default() }
    }

    /// `guest-exec`. What cannot be started is an error at once.
    pub async fn start(&self, wanted: Wanted) -> Result<Reply, Error> {
        let (capture, run) = (wanted.capture, request(wanted)?);
        let pid = self.records().reserve()?;
        let (records, runner) = (Arc::clone(&self.records), Arc::clone(&self.runner));
        let mut running =
            tokio::spawn(async move { runner.run(run, &Cancellation::for_at_most(NO_LIMIT)).await });
        // Failures to start come at once; programs that end as fast are as good as those that do not.
        let at_once = tokio::time::timeout(Duration::from_millis(50), &mut running).await;
        match at_once {
            Ok(Ok(Err(error))) => {
                self.records().all.remove(&pid);
                Err(not_started(&error))
            }
            Ok(Ok(Ok(finished))) => {
                lock(&records).end(pid, status(&finished, capture));
                Ok(Reply::ExecPid(ExecPid { pid }))
            }
            Ok(Err(_)) => {
                self.records().all.remove(&pid);
                Err(Error::generic("the program was lost inside the agent"))
            }
            Err(_) => {
                tokio::spawn(async move {
                    let told = match running.await {
                        Ok(Ok(finished)) => status(&finished, capture),
                        _ => ExecStatus { exited: true, exitcode: Some(127), ..ExecStatus::default() },
                    };
                    lock(&records).end(pid, told);
                });
                Ok(Reply::ExecPid(ExecPid { pid }))
            }
        }
    }

    /// `guest-exec-status`.
    pub fn status(&self, pid: i64) -> Result<Reply, Error> {
        let mut records = self.records();
        records.forget_old();
        let record = records.all.get_mut(&pid).ok_or_else(|| Error::generic("Invalid parameter 'pid'"))?;
        Ok(Reply::ExecStatus(match &record.ended {
            None => ExecStatus::default(),
            Some((_, status)) => {
                record.given.get_or_insert_with(Instant::now);
                status.clone()
            }
        }))
    }

    fn records(&self) -> std::sync::MutexGuard<'_, Records> {
        lock(&self.records)
    }
}

fn lock(records: &Mutex<Records>) -> std::sync::MutexGuard<'_, Records> {
    records.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Records {
    /// A number for one more; the oldest that has ended makes room.
    fn reserve(&mut self) -> Result<i64, Error> {
        self.forget_old();
        if self.all.len() >= MAX_EXEC_RECORDS {
            let oldest = self.all.iter().find(|(_, record)| record.ended.is_some()).map(|(pid, _)| *pid);
            let oldest = oldest.ok_or_else(|| Error::generic("too many programs are running"))?;
            self.all.remove(&oldest);
        }
        self.newest = self.newest.max(FIRST) + 1;
        self.all.insert(self.newest, Record::default());
        Ok(self.newest)
    }

    fn end(&mut self, pid: i64, status: ExecStatus) {
        if let Some(record) = self.all.get_mut(&pid) {
            record.ended = Some((Instant::now(), status));
        }
        self.bound(pid, MAX_EXEC_RECORD_BYTES);
    }

    /// Those that ended first go until the output of the rest is no more than this; `newest` stays.
    fn bound(&mut self, newest: i64, most: usize) {
        let mut kept: usize = self.all.values().map(Record::bytes).sum();
        while kept > most {
            let ended = self.all.iter().filter(|(pid, record)| **pid != newest && record.bytes() > 0);
            let first = ended.min_by_key(|(_, record)| record.ended.as_ref().map(|(at, _)| *at));
            let Some(first) = first.map(|(pid, _)| *pid) else { return };
            kept -= self.all.remove(&first).map_or(0, |record| record.bytes());
        }
    }

    fn forget_old(&mut self) {
        self.all.retain(|_, record| {
            let ended = record.ended.as_ref().is_none_or(|(at, _)| at.elapsed() < EXEC_RECORD_KEPT);
            ended && record.given.is_none_or(|at| at.elapsed() < EXEC_ANSWER_KEPT)
        });
    }
}

fn request(wanted: Wanted) -> Result<Run, Error> {
    let path =
        located(&wanted.path).ok_or_else(|| child_failed(&wanted.path, "No such file or directory"))?;
    if wanted.capture == Capture::Merged && !places::CAN_MERGE {
        return Err(Error::generic("Parameter 'capture-output' does not accept value 'merged'"));
    }
    let variable = |text: &String| -> Option<(OsString, OsString)> {
        text.split_once('=').map(|(name, value)| (name.into(), value.into()))
    };
    let mut run = Run::new("", wanted.arguments).max_output(MAX_EXEC_OUTPUT_BYTES);
    run.program = Program::At(path);
    run.environment = wanted.environment.iter().filter_map(variable).collect();
    run.input = wanted.input;
    run.output = if wanted.capture == Capture::Merged { Output::Merged } else { Output::Bytes };
    // It may run for as long as it likes: it must not make every freeze fail.
    run.runs_while_frozen = true;
    Ok(run)
}

fn child_failed(path: &str, why: &str) -> Error {
    Error::generic(format!("Failed to execute child process “{path}” ({why})"))
}

fn not_started(error: &RunError) -> Error {
    match error {
        RunError::NotStarted { program, error } => child_failed(program, error),
        other => Error::generic(format!("Failed to execute child process: {other}")),
    }
}

fn status(finished: &Finished, capture: Capture) -> ExecStatus {
    let (exitcode, signal) = match finished.status {
        Status::Exited(code) => places::ended(code),
        Status::Signalled(signal) => (None, Some(i64::from(signal))),
        _ => (None, Some(9)),
    };
    let (wants_out, wants_err) = match capture {
        Capture::Separated => (true, true),
        Capture::Stdout | Capture::Merged => (true, false),
        Capture::Stderr => (false, true),
        Capture::None => (false, false),
    };
    let (out_data, out_truncated) = output(&finished.stdout, wants_out);
    let (err_data, err_truncated) = output(&finished.stderr, wants_err);
    ExecStatus { exited: true, exitcode, signal, out_data, err_data, out_truncated, err_truncated }
}

fn output(stream: &Captured, wanted: bool) -> (Option<Bytes>, Option<bool>) {
    if !wanted || stream.total_bytes == 0 {
        return (None, None);
    }
    (Some(Bytes(stream.bytes.clone())), Some(stream.truncated))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_kept_within_its_bound_and_the_newest_always() {
        let mut records = Records::default();
        let of = |bytes: usize| ExecStatus { out_data: Some(Bytes(vec![0; bytes])), ..ExecStatus::default() };
        for bytes in [300, 200, 100] {
            let pid = records.reserve().expect("room");
            records.end(pid, of(bytes));
        }
        let running = records.reserve().expect("room");
        records.bound(running, 600);
        assert_eq!(records.all.len(), 4, "within the bound");
        records.bound(running, 300);
        let kept: Vec<usize> = records.all.values().map(Record::bytes).collect();
        assert_eq!(kept, [200, 100, 0], "the first that ended is gone");
        records.bound(FIRST + 2, 10);
        let kept: Vec<usize> = records.all.values().map(Record::bytes).collect();
        assert_eq!(kept, [200, 0], "too large by itself, and the newest");
    }
}
