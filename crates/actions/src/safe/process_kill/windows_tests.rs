//! Ending real processes of Windows or Wine.

use super::run;
use infiniservice_exec::Cancellation;
use infiniservice_exec::windows::environment::system_directory;
use infiniservice_protocol::ErrorCode;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn control() -> Cancellation {
    Cancellation::for_at_most(Duration::from_secs(60))
}

/// A cmd that waits for input that never comes.
fn waiting() -> Child {
    let mut command = Command::new(system_directory().join("cmd.exe"));
    command.args(["/d", "/k", "rem"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
}

#[tokio::test]
async fn a_process_without_windows_is_terminated_and_named() {
    let mut child = waiting();
    let done = run(child.id(), false, &control()).await.unwrap();
    assert_eq!(done.data["name"].as_str().unwrap().to_lowercase(), "cmd.exe");
    assert_eq!(
        (done.data["exited"].as_bool(), done.data["signal"].as_str()),
        (Some(true), Some("TerminateProcess"))
    );
    assert!(child.try_wait().unwrap().is_some());
    // Its handle is still held here, but it has ended.
    assert_eq!(run(child.id(), true, &control()).await.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn the_agent_the_kernel_and_what_is_not_there_are_refused() {
    for (pid, code) in [
        (std::process::id(), ErrorCode::PermissionDenied),
        (0, ErrorCode::PermissionDenied),
        (4, ErrorCode::PermissionDenied),
        (std::process::id() + 1, ErrorCode::NotFound),
        (0x7FFF_FFF0, ErrorCode::NotFound),
    ] {
        assert_eq!(run(pid, true, &control()).await.unwrap_err().code, code, "{pid}");
    }
}
