//! How programs end where it is not plain: one with too much to say, one that ends while the agent stands still, one whose exit
//! status is lost, one whose processes leave their cgroup.

use super::tests::{Parent, shell};
use super::*;
use crate::{Identity, Line, Status, Stop};
use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions, waitid, waitpid};
use std::future::Future;
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(60);
const NOBODY: u32 = 65534;

fn runner() -> SystemRunner {
    SystemRunner::with(Containments::by_process_table())
}

/// A fifo in which a script says what its number is.
struct Told(TempDir);

impl Told {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let (path, kind) = (root.path().join("pid"), rustix::fs::FileType::Fifo);
        rustix::fs::mknodat(rustix::fs::CWD, &path, kind, rustix::fs::Mode::RWXU, 0).unwrap();
        chown(&path, Some(NOBODY), None).ok();
        Self(root)
    }

    fn script(&self, script: &str) -> Request {
        shell(script).env("PID", self.0.path().join("pid"))
    }

    /// Stops up the runtime until it was said: nothing of the runner goes on meanwhile.
    fn pid(&self) -> Pid {
        Pid::from_raw(std::fs::read_to_string(self.0.path().join("pid")).unwrap().trim().parse().unwrap())
            .unwrap()
    }
}

/// The run beside what is done once it has begun.
async fn beside(runner: &SystemRunner, request: Request, then: impl Future<Output = ()>) -> Finished {
    let cancellation = Cancellation::for_at_most(LONG);
    let (finished, ()) = tokio::join!(runner.run(request, &cancellation), then);
    finished.unwrap()
}

#[tokio::test]
async fn a_program_that_prints_for_ever_is_ended_when_its_lines_are_enough() {
    let mut lines = Vec::new();
    let mut take = |line: Line<'_>| {
        lines.push(line.text.to_owned());
        if lines.len() == 1000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let cancellation = Cancellation::for_at_most(LONG);
    let finished =
        runner().run_lines(shell("exec yes line").max_output(100), &cancellation, &mut take).await.unwrap();
    assert_eq!((finished.status, finished.stdout.text.len()), (Status::Enough, 100));
    assert!(lines.len() == 1000 && lines.iter().all(|line| line == "line"), "{}", lines.len());
}

#[tokio::test]
async fn lines_of_a_program_that_ends_come_to_the_last_and_its_exit_code_is_told() {
    let mut lines = Vec::new();
    let mut take = |line: Line<'_>| {
        lines.push(line.text.to_owned());
        ControlFlow::Continue(())
    };
    let cancellation = Cancellation::for_at_most(LONG);
    let finished =
        runner().run_lines(shell("seq 100000; printf end; exit 3"), &cancellation, &mut take).await.unwrap();
    assert_eq!(finished.status, Status::Exited(3));
    assert_eq!((lines.len(), lines[99_999].as_str(), lines[100_000].as_str()), (100_001, "100000", "end"));
}

#[tokio::test]
async fn one_that_ended_while_the_agent_stood_still_is_told_with_its_exit_code_and_output() {
    let told = Told::new();
    let stand_still = async {
        tokio::task::yield_now().await;
        let pid = told.pid();
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
        tokio::time::pause();
        tokio::time::advance(2 * LONG).await;
        tokio::time::resume();
    };
    let finished = beside(&runner(), told.script("echo $$ > $PID; echo done; exit 3"), stand_still).await;
    assert_eq!((finished.status, finished.stdout.text.as_str()), (Status::Exited(3), "done\n"));
}

#[tokio::test]
async fn one_whose_exit_status_is_lost_has_not_succeeded() {
    let told = Told::new();
    let steal = async {
        tokio::task::yield_now().await;
        waitpid(Some(told.pid()), WaitOptions::empty()).unwrap();
    };
    let finished = beside(&runner(), told.script("echo $$ > $PID; echo done; exit 3"), steal).await;
    assert_eq!((finished.status, finished.stdout.text.as_str()), (Status::Lost, "done\n"));
    let error = finished.into_error(infiniservice_protocol::ErrorCode::Internal, "failed");
    assert_eq!(error.code, infiniservice_protocol::ErrorCode::ExecutionFailed);
    assert!(error.error.contains("exit status"), "{error}");
}

/// What a user's manager does for `systemd-run --user --scope`.
fn take_out_of_its_group(pid: Pid, parent: &Path) {
    std::fs::write(parent.with_file_name("cgroup.procs"), pid.as_raw_nonzero().to_string()).unwrap();
}

#[tokio::test]
async fn a_users_process_that_leaves_its_cgroup_with_his_managers_help_ends_with_the_command() {
    let group = Parent::new();
    let Some(parent) = &group.0 else { return };
    let identity = Some(Identity { uid: NOBODY, gid: NOBODY, groups: Vec::new() });
    for script in [
        "sh -c 'echo $$ > $PID; exec sleep 1000'",
        "(setsid sh -c 'echo $$ > $PID; exec sleep 1000' &); exec sleep 1000",
    ] {
        let (runner, told) = (SystemRunner::with(Containments::below(parent.clone())), Told::new());
        let (cancel, cancelled) = tokio::sync::watch::channel(false);
        let cancellation = Cancellation::new(LONG, cancelled);
        let escape = async {
            tokio::task::yield_now().await;
            let pid = told.pid();
            take_out_of_its_group(pid, parent);
            cancel.send_replace(true);
            pid
        };
        let request = Request { identity: identity.clone(), ..told.script(script) };
        let (finished, pid) = tokio::join!(runner.run(request, &cancellation), escape);
        assert_eq!(finished.unwrap().status, Status::Stopped(Stop::Cancelled), "{script}");
        let left = process_table::row_of(pid.as_raw_nonzero().get()).filter(|row| !row.zombie);
        assert_eq!(left, None, "{script}");
    }
}
