//! The runner on real processes, in both kinds of containment; programs that try to escape among them.

use super::*;
use crate::{Program, Status, Stop};
use infiniservice_protocol::ErrorCode;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(60);

/// A group for the tests' groups, where the kernel has cgroup v2 and the tests run as root.
pub(super) struct Parent(pub(super) Option<PathBuf>);

impl Parent {
    pub(super) fn new() -> Self {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mount =
            mounts.lines().find(|line| line.contains(" - cgroup2 ")).and_then(|line| line.split(' ').nth(4));
        let path =
            mount.map(|mount| Path::new(mount).join(format!("infiniservice-runner-{}", fastrand::u64(..))));
        let made = path.filter(|path| std::fs::create_dir(path).is_ok());
        if made.is_none() {
            eprintln!("SKIPPED: the half of this test that needs a cgroup: no cgroup v2 that may be written");
        }
        Self(made)
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            std::fs::remove_dir(path).expect("a group was left behind");
        }
    }
}

/// Runs the test in each kind of containment.
async fn in_each_containment<F: Future<Output = ()>>(test: impl Fn(SystemRunner) -> F) {
    test(SystemRunner::with(Containments::by_process_table())).await;
    let parent = Parent::new();
    if let Some(path) = &parent.0 {
        test(SystemRunner::with(Containments::below(path.clone()))).await;
    }
}

pub(super) fn shell(script: &str) -> Request {
    Request { program: Program::At("/bin/sh".into()), ..Request::new("sh", ["-c", script]) }
}

async fn run(runner: &SystemRunner, request: Request, timeout: Duration) -> Finished {
    runner.run(request, &Cancellation::for_at_most(timeout)).await.unwrap()
}

/// A directory in which a script leaves the numbers of processes that it started, and a pipe in which it says that all run.
struct Pids {
    root: TempDir,
    ready: tokio::net::unix::pipe::Receiver,
}

impl Pids {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        std::fs::create_dir(root.path().join("pids")).unwrap();
        let pipe = root.path().join("ready");
        let mode = rustix::fs::Mode::RWXU;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let ready = tokio::net::unix::pipe::OpenOptions::new().open_receiver(pipe).unwrap();
        Self { root, ready }
    }

    /// The script that tries to escape, then goes on as told.
    fn escape(&self, then: &str) -> Request {
        let root = self.root.path();
        let ready = root.join("ready").display().to_string();
        shell(&format!("{ESCAPE}echo $$ > leader; echo all out; echo > {ready}; {then}"))
            .env("PIDS", root.join("pids"))
    }

    async fn all_run(&self) {
        self.ready.readable().await.unwrap();
    }

    /// All of them with the states that they are in now.
    fn all(&self) -> Vec<(String, Option<char>)> {
        let files =
            std::fs::read_dir(self.root.path().join("pids")).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), state(&path))).collect()
    }

    async fn end(&self) {
        let files =
            std::fs::read_dir(self.root.path().join("pids")).unwrap().map(|entry| entry.unwrap().path());
        for file in files {
            process_tree::exit_of(std::fs::read_to_string(file).unwrap().trim().parse().unwrap()).await;
        }
    }

    fn all_ended(&self) -> bool {
        self.all().iter().all(|(_, state)| matches!(state, None | Some('Z')))
    }

    /// Without a cgroup the agent adopts the orphans, so it has to collect them, too. (Behind a cgroup they go to init, but
    /// not in this process, which runs both kinds of test.)
    fn assert_gone(&self, runner: &SystemRunner) {
        let all = self.all();
        assert_eq!(all.len(), 4, "not all began: {all:?}");
        assert!(self.all_ended(), "left behind: {all:?}");
        if runner.containments.without_groups() {
            assert!(all.iter().all(|(_, state)| state.is_none()), "zombies: {all:?}");
        }
    }
}

fn state(path: &Path) -> Option<char> {
    let pid = std::fs::read_to_string(path).unwrap();
    let line = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).ok()?;
    line.rsplit_once(") ")?.1.chars().next()
}

#[tokio::test]
async fn output_and_exit_code_come_back() {
    in_each_containment(|runner| async move {
        let finished = run(&runner, shell("echo out; echo err >&2; exit 3"), LONG).await;
        assert_eq!(finished.status, Status::Exited(3));
        assert_eq!((finished.stdout.text.as_str(), finished.stderr.text.as_str()), ("out\n", "err\n"));
    })
    .await;
}

#[tokio::test]
async fn bytes_come_back_as_they_were_written_and_merged_ones_in_their_order() {
    in_each_containment(|runner| async move {
        let script = "printf 'a\\000\\377'; printf 'b\\376' >&2; printf c";
        let kept = |output| Request { output, ..shell(script) };
        let apart = run(&runner, kept(Output::Bytes), LONG).await;
        assert_eq!((&*apart.stdout.bytes, &*apart.stderr.bytes), (&b"a\0\xffc"[..], &b"b\xfe"[..]));
        let merged = run(&runner, kept(Output::Merged), LONG).await;
        assert_eq!((&*merged.stdout.bytes, &*merged.stderr.bytes), (&b"a\0\xffb\xfec"[..], &b""[..]));
        assert_eq!((merged.stdout.total_bytes, merged.stdout.truncated), (6, false));
    })
    .await;
}

/// A gate of its own: that of the process is the other tests' too.
fn gated() -> (&'static Gate, SystemRunner) {
    let gate: &'static Gate = Box::leak(Box::default());
    (gate, SystemRunner { gate, ..SystemRunner::with(Containments::by_process_table()) })
}

#[tokio::test]
async fn a_freeze_waits_for_a_program_unless_that_may_run_meanwhile_and_nothing_starts_in_it() {
    for (runs_while_frozen, outcome) in [(false, Err(1)), (true, Ok(()))] {
        let (gate, runner) = gated();
        let pids = Pids::new();
        let request = Request { runs_while_frozen, ..pids.escape("sleep 60") };
        let cancellation = Cancellation::for_at_most(LONG);
        let running = runner.run(request, &cancellation);
        let closed = async {
            pids.all_run().await;
            gate.close(Duration::ZERO)
        };
        tokio::select! {
            finished = running => panic!("it ended: {finished:?}"),
            closed = closed => assert_eq!(closed, outcome),
        }
        let late = Request { runs_while_frozen, ..shell("exit 0") };
        let late = runner.run(late, &Cancellation::for_at_most(LONG)).await;
        assert_eq!(late.is_err(), runs_while_frozen, "{late:?}");
        pids.end().await;
    }
}

#[tokio::test]
async fn the_environment_is_clean_the_input_empty_and_the_session_its_own() {
    in_each_containment(|runner| async move {
        let script = "env | grep -v '^INFINISERVICE_COMMAND=' | sort; cat; ls /proc/self/fd | wc -l; umask; \
            test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo own session; cat /proc/self/oom_score_adj";
        let finished = run(&runner, shell(script).env("EXTRA", "1"), LONG).await;
        // ls has its three streams and the directory that it reads.
        let want =
            "EXTRA=1\nLC_ALL=C.UTF-8\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\n4\n0022\nown session\n0\n";
        assert_eq!(finished.stdout.text, want);
    })
    .await;
}

#[tokio::test]
async fn a_flood_is_drained_counted_and_cut() {
    in_each_containment(|runner| async move {
        let request = shell("head -c 5000000 /dev/zero | tr '\\0' x; echo done >&2").max_output(1000);
        let finished = run(&runner, request, LONG).await;
        assert_eq!((finished.stdout.text.len(), finished.stdout.total_bytes), (1000, 5_000_000));
        assert!(finished.stdout.truncated && finished.succeeded());
        assert_eq!(finished.stderr.text, "done\n");
    })
    .await;
}

#[tokio::test]
async fn one_that_overruns_is_ended_and_the_failure_is_a_timeout() {
    in_each_containment(|runner| async move {
        let timeout = Duration::from_millis(300);
        let finished = run(&runner, shell("exec sleep 1000"), timeout).await;
        assert_eq!(finished.status, Status::Stopped(Stop::TimedOut(timeout)));
        let error = finished.into_error(ErrorCode::ExecutionFailed, "failed");
        assert_eq!(error.code, ErrorCode::Timeout);
    })
    .await;
}

/// Children that ignore SIGTERM, that changed their session, that lost their parents, and whose pipes are closed.
const ESCAPE: &str = r#"
cd "$PIDS"
trap '' TERM
sh -c 'echo $$ > child; exec sleep 1000' &
setsid sh -c 'echo $$ > session; exec sleep 1000' &
(setsid sh -c '(trap "" TERM; sh -c "echo \$PPID > orphan"; exec sleep 1000) & exit 0' >/dev/null 2>&1 </dev/null &)
while [ ! -s child ] || [ ! -s session ] || [ ! -s orphan ]; do sleep 0.01; done
"#;

#[tokio::test]
async fn all_that_try_to_escape_are_gone_when_it_must_end() {
    in_each_containment(|runner| async move {
        let pids = Pids::new();
        let (cancel, cancelled) = tokio::sync::watch::channel(false);
        let cancellation = Cancellation::new(LONG, cancelled);
        let stop = async {
            pids.all_run().await;
            cancel.send_replace(true);
        };
        let (finished, ()) = tokio::join!(runner.run(pids.escape("exec sleep 1000"), &cancellation), stop);
        let finished = finished.unwrap();
        assert_eq!(finished.status, Status::Stopped(Stop::Cancelled));
        let error = finished.into_error(ErrorCode::ExecutionFailed, "failed");
        assert_eq!((error.code, error.partial.stdout.text.as_str()), (ErrorCode::Cancelled, "all out\n"));
        pids.assert_gone(&runner);
    })
    .await;
}

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    in_each_containment(|runner| async move {
        let pids = Pids::new();
        let finished = run(&runner, pids.escape("exit 0"), LONG).await;
        assert_eq!(finished.status, Status::Exited(0));
        pids.assert_gone(&runner);
    })
    .await;
}

#[tokio::test]
async fn a_run_that_is_given_up_leaves_nothing_either() {
    in_each_containment(|runner| async move {
        let pids = Pids::new();
        let cancellation = Cancellation::for_at_most(LONG);
        tokio::select! {
            _ = runner.run(pids.escape("exec sleep 1000"), &cancellation) => panic!("it ended by itself"),
            () = pids.all_run() => {}
        }
        // The kernel takes a moment to end them, and then the agent to remove their group.
        let gone = async {
            pids.end().await;
            runner.containments.until_no_group_is_left().await;
        };
        let patience = Duration::from_secs(30);
        assert!(tokio::time::timeout(patience, gone).await.is_ok(), "left behind: {:?}", pids.all());
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_one_says_so() {
    in_each_containment(|runner| async move {
        let (cancel, cancelled) = tokio::sync::watch::channel(false);
        let cancellation = Cancellation::new(LONG, cancelled);
        let running = runner.run(shell("echo begun; exec sleep 1000"), &cancellation);
        cancel.send_replace(true);
        assert_eq!(running.await.unwrap().status, Status::Stopped(Stop::Cancelled));
    })
    .await;
}

#[tokio::test]
async fn two_beside_each_other_do_not_end_each_others_processes() {
    in_each_containment(|runner| async move {
        let long = shell("sleep 0.5; echo survived");
        let (long_control, short_control) =
            (Cancellation::for_at_most(LONG), Cancellation::for_at_most(LONG));
        let (long, short) =
            tokio::join!(runner.run(long, &long_control), runner.run(shell("exit 0"), &short_control));
        assert_eq!((long.unwrap().stdout.text.as_str(), short.unwrap().succeeded()), ("survived\n", true));
    })
    .await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let runner = SystemRunner::with(Containments::by_process_table());
    let request = Request::new("no-such-program", ["x"]);
    let error = runner.run(request, &Cancellation::for_at_most(LONG)).await.unwrap_err();
    assert_eq!(error.to_string(), "the program no-such-program is not installed");
}
