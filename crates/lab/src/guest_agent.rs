//! The QEMU guest agent as a way into the guest: programs run there, files written there.
//!
//! It is the lab's own access and has nothing to do with the agent under test: it stands on a second port.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::jsonline::JsonLines;

use crate::exec::{Exec, ExecOutput};

/// How long the guest may take to answer anything that does not run a program.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// A sync that got lost (the guest was reset while it waited in the port) is sent again after this time.
const SYNC_RETRY: Duration = Duration::from_secs(5);
/// Slack over a program's own limit before the guest counts as hung: a busy emulated guest is slow.
const EXEC_SLACK: Duration = Duration::from_mins(1);
/// Bytes of a file carried by one message.
const FILE_CHUNK_BYTES: usize = 1024 * 1024;

/// A client of qemu-ga. Requests go one at a time; after a failed one the conversation is set up anew.
#[derive(Debug)]
pub struct GuestAgent {
    socket: PathBuf,
    lines: Option<JsonLines>,
    syncs: u64,
}

impl GuestAgent {
    /// A client for the host's end of the agent's port. Nothing is sent yet.
    pub fn new(socket: &Path) -> Self {
        Self { socket: socket.to_path_buf(), lines: None, syncs: 0 }
    }

    /// Waits until the agent in the guest answers, for `timeout` at most. What waited in the port from before is
    /// discarded.
    pub fn sync(&mut self, timeout: Duration) -> Result<()> {
        self.lines = None;
        let mut lines = JsonLines::connect(&self.socket)?;
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            self.syncs += 1;
            // The process id keeps apart the numbers of clients that follow each other on one port.
            let id = u64::from(std::process::id()) << 24 | self.syncs;
            lines
                .send_after_sync_byte(&json!({"execute": "guest-sync-delimited", "arguments": {"id": id}}))?;
            if await_sync(&mut lines, id, deadline.min(Instant::now() + SYNC_RETRY))? {
                self.lines = Some(lines);
                return Ok(());
            }
        }
        bail!("the guest agent did not answer within {} s", timeout.as_secs())
    }

    /// Runs the agent's `command` and returns its `return` value.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        if self.lines.is_none() {
            self.sync(ANSWER_TIMEOUT)?;
        }
        let mut lines = self.lines.take().context("not in step with the guest agent")?;
        lines.send(&json!({"execute": command, "arguments": arguments}))?;
        let answer = lines.next(Instant::now() + ANSWER_TIMEOUT)?;
        let answer = answer.with_context(|| format!("{command}: the guest agent did not answer"))?;
        self.lines = Some(lines);
        match (answer.get("return"), answer.get("error")) {
            (Some(value), _) => Ok(value.clone()),
            (None, error) => bail!("{command}: {}", error.unwrap_or(&answer)),
        }
    }

    /// Asks for nothing but an answer.
    pub fn ping(&mut self) -> Result<()> {
        self.execute("guest-ping", &json!({})).map(drop)
    }

    /// Starts a program in the guest and returns its process id.
    pub fn start(&mut self, exec: &Exec) -> Result<i64> {
        let started = self.execute("guest-exec", &exec.arguments())?;
        started["pid"].as_i64().with_context(|| format!("guest-exec returned {started}"))
    }

    /// The result of a program started by [`Self::start`], or `None` while it runs. It can be asked for once.
    pub fn status(&mut self, pid: i64) -> Result<Option<ExecOutput>> {
        let status = self.execute("guest-exec-status", &json!({"pid": pid}))?;
        ExecOutput::from_status(&status)
    }

    /// Writes `contents` to `path` in the guest, replacing what was there; mode and owner are the agent's defaults.
    pub fn write_file(&mut self, path: &str, contents: &[u8]) -> Result<()> {
        let handle = self.execute("guest-file-open", &json!({"path": path, "mode": "w"}))?;
        let mut written = Ok(());
        for chunk in contents.chunks(FILE_CHUNK_BYTES) {
            written = self.write_chunk(&handle, chunk);
            if written.is_err() {
                break;
            }
        }
        self.execute("guest-file-close", &json!({"handle": handle}))?;
        written.with_context(|| format!("cannot write {path} in the guest"))
    }

    fn write_chunk(&mut self, handle: &Value, chunk: &[u8]) -> Result<()> {
        let arguments = json!({"handle": handle, "buf-b64": BASE64.encode(chunk)});
        let written = self.execute("guest-file-write", &arguments)?;
        match written["count"].as_u64() {
            Some(count) if count == chunk.len() as u64 => Ok(()),
            _ => bail!("{} bytes sent, the guest says {written}", chunk.len()),
        }
    }
}

/// Runs a program in the guest to its end. The agent is locked for single requests only, so that several programs
/// can be under way; it has no way to wait for an end, so it is asked, less and less often.
pub fn run(agent: &Mutex<GuestAgent>, exec: &Exec) -> Result<ExecOutput> {
    let pid = locked(agent).start(exec)?;
    let deadline = Instant::now() + exec.limit() + EXEC_SLACK;
    let mut pause = Duration::from_millis(2);
    while Instant::now() < deadline {
        if let Some(output) = locked(agent).status(pid)? {
            return Ok(output);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
    bail!("{exec} has not ended in the guest although its time is long over")
}

/// The agent for one request. A panic elsewhere leaves nothing half done that the next request would not notice.
pub fn locked(agent: &Mutex<GuestAgent>) -> MutexGuard<'_, GuestAgent> {
    agent.lock().unwrap_or_else(PoisonError::into_inner)
}

fn await_sync(lines: &mut JsonLines, id: u64, deadline: Instant) -> Result<bool> {
    while let Some(answer) = lines.next(deadline)? {
        if answer["return"].as_u64() == Some(id) {
            return Ok(true);
        }
    }
    Ok(false)
}
