//! `ProcessKill` on real processes.

use super::run;
use infiniservice_exec::{Cancellation, CommandResult};
use infiniservice_protocol::ErrorCode;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Victim(Child);

impl Victim {
    /// A shell that says when it is ready to be signalled.
    fn start(script: &str) -> Self {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("{script}; echo ready; while :; do sleep 1; done")]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self(child)
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn kill(pid: u32, force: bool, timeout: Duration) -> CommandResult {
    run(pid, force, &Cancellation::for_at_most(timeout)).await
}

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_process_that_follows_sigterm_is_gone_and_said_to_be() {
    let victim = Victim::start(":");
    let data = kill(victim.pid(), false, LONG).await.unwrap().data;
    assert_eq!(
        data,
        serde_json::json!({"pid": victim.pid(), "name": "sh", "signal": "SIGTERM", "exited": true})
    );
}

#[tokio::test]
async fn one_that_ignores_sigterm_survives_without_force_and_the_answer_says_so() {
    let mut victim = Victim::start("trap '' TERM");
    let error = kill(victim.pid(), false, SHORT).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ExecutionFailed);
    assert!(error.error.contains("`force`"), "{error}");
    assert_eq!(error.partial.data["exited"], false);
    assert!(victim.0.try_wait().unwrap().is_none());
}

#[tokio::test]
async fn with_force_sigkill_follows() {
    let victim = Victim::start("trap '' TERM");
    let data = kill(victim.pid(), true, Duration::from_secs(2)).await.unwrap().data;
    assert_eq!((&data["signal"], &data["exited"]), (&"SIGKILL".into(), &true.into()));
}

#[tokio::test]
async fn a_stopped_process_is_woken_to_follow_sigterm() {
    let victim = Victim::start(":");
    let pid = rustix::process::Pid::from_raw(i32::try_from(victim.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let options = rustix::process::WaitOptions::UNTRACED;
    rustix::process::waitpid(Some(pid), options).unwrap();
    assert_eq!(kill(victim.pid(), false, LONG).await.unwrap().data["exited"], true);
}

#[tokio::test]
async fn the_agent_itself_and_pid_1_are_refused() {
    for pid in [std::process::id(), 1] {
        let error = kill(pid, true, LONG).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::PermissionDenied, "{pid}: {error}");
    }
}

#[tokio::test]
async fn absent_processes_and_impossible_numbers_are_not_found() {
    let mut gone = Victim::start(":");
    gone.0.kill().unwrap();
    gone.0.wait().unwrap();
    for pid in [gone.pid(), 0, u32::MAX, 1 << 31] {
        assert_eq!(kill(pid, true, LONG).await.unwrap_err().code, ErrorCode::NotFound, "{pid}");
    }
}

#[tokio::test]
async fn a_zombie_has_ended_already() {
    let mut victim = Victim::start(":");
    victim.0.kill().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(victim.pid()).unwrap()).unwrap();
    let flags = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
    rustix::process::waitid(rustix::process::WaitId::Pid(pid), flags).unwrap();
    let error = kill(victim.pid(), true, LONG).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.error.contains("already ended"), "{error}");
}
