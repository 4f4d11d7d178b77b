//! The runner on real processes; programs that start others and leave them behind among them.

use super::*;
use crate::win32::process_unsafe::Process;
use infiniservice_protocol::ErrorCode;
use std::path::PathBuf;

const LONG: Duration = Duration::from_secs(60);
const CHILD: &str = "commands::runner::windows::tests::a_program_for_the_other_tests";

/// cmd with a line of its own.
fn cmd(line: &str) -> Request {
    let command_line = Some(format!("/d /s /c \"{line}\"").into());
    Request { command_line, ..Request::new("cmd", [""; 0]) }
}

/// This very test program as a child that does as `ROLE` says.
fn child(role: &str, pids: &std::path::Path) -> Request {
    let program = crate::commands::runner::Program::At(std::env::current_exe().unwrap());
    let arguments = ["--exact", CHILD, "--nocapture", "--test-threads=1"];
    let request = Request { program, ..Request::new("x", arguments) };
    request.env("INFINISERVICE_TEST_ROLE", role).env("INFINISERVICE_TEST_PIDS", pids)
}

async fn run(request: Request, timeout: Duration) -> Finished {
    SystemRunner.run(request, &Control::for_at_most(timeout)).await.unwrap()
}

/// Not a test of anything where it has no role.
#[test]
fn a_program_for_the_other_tests() {
    let Ok(role) = std::env::var("INFINISERVICE_TEST_ROLE") else { return };
    let pids = PathBuf::from(std::env::var_os("INFINISERVICE_TEST_PIDS").unwrap());
    std::fs::write(pids.join(format!("{}", std::process::id())), "").unwrap();
    let own = std::env::current_exe().unwrap();
    let mut next = std::process::Command::new(own);
    next.args(["--exact", CHILD, "--nocapture"]).env("INFINISERVICE_TEST_ROLE", "sleeps");
    match role.as_str() {
        // A child of a child, in a process group of its own, that holds no pipe.
        "starts two" => {
            next.env("INFINISERVICE_TEST_ROLE", "starts one").spawn().unwrap();
            std::thread::sleep(LONG);
        }
        "starts one" => {
            use std::os::windows::process::CommandExt;
            next.creation_flags(0x0000_0200).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(LONG);
        }
        "leaves one" => {
            next.spawn().unwrap();
            wait_for(&pids, 2);
        }
        _ => std::thread::sleep(LONG),
    }
}

fn wait_for(pids: &std::path::Path, count: usize) -> Vec<u32> {
    loop {
        let entries = std::fs::read_dir(pids).unwrap();
        let found: Vec<u32> =
            entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect();
        if found.len() >= count {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn assert_gone(pids: &[u32]) {
    let left: Vec<_> = pids.iter().filter(|pid| Process::open(**pid).is_ok_and(|p| !p.has_ended())).collect();
    assert!(left.is_empty(), "left behind: {left:?} of {pids:?}");
}

#[tokio::test]
async fn output_and_exit_code_come_back() {
    let finished = run(cmd("echo out& echo err>&2& exit 3"), LONG).await;
    assert_eq!(finished.status, Status::Exited(3));
    assert_eq!((finished.stdout.text.trim(), finished.stderr.text.trim()), ("out", "err"));
}

#[tokio::test]
async fn the_environment_is_clean() {
    let finished = run(cmd("set").env("EXTRA", "1"), LONG).await;
    let names: Vec<String> = finished
        .stdout
        .text
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0.to_lowercase()))
        .collect();
    assert!(names.contains(&"extra".into()) && names.contains(&"systemroot".into()), "{names:?}");
    // Variables of cargo or of the shell that started the tests are not handed on.
    assert!(!names.iter().any(|name| name.starts_with("cargo") || name == "home"), "{names:?}");
}

#[tokio::test]
async fn a_flood_is_drained_counted_and_cut() {
    let line = "for /l %i in (1,1,3000) do @echo 0123456789012345678901234567890123456789";
    let finished = run(cmd(line).max_output(1000), LONG).await;
    assert_eq!((finished.stdout.text.len(), finished.stdout.total_bytes), (1000, 3000 * 42));
    assert!(finished.stdout.truncated && finished.succeeded());
}

#[tokio::test]
async fn one_that_overruns_is_ended_with_all_that_it_started_and_the_failure_is_a_timeout() {
    let pids = tempfile::tempdir().unwrap();
    let (cancel, cancelled) = tokio::sync::watch::channel(false);
    let control = Control::new(LONG, cancelled);
    let directory = pids.path().to_owned();
    let stop = async {
        let found = tokio::task::spawn_blocking(move || wait_for(&directory, 3)).await.unwrap();
        cancel.send_replace(true);
        found
    };
    let (finished, found) = tokio::join!(SystemRunner.run(child("starts two", pids.path()), &control), stop);
    let error = finished.unwrap().into_error(ErrorCode::ExecutionFailed, "failed");
    assert_eq!((error.code, found.len()), (ErrorCode::Cancelled, 3));
    assert_gone(&found);
    let timeout = Duration::from_millis(500);
    let finished = run(child("sleeps", pids.path()), timeout).await;
    assert_eq!(finished.status, Status::Stopped(Stop::TimedOut(timeout)));
}

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    let pids = tempfile::tempdir().unwrap();
    let finished = run(child("leaves one", pids.path()), LONG).await;
    assert!(finished.succeeded(), "{finished:?}");
    let found = wait_for(pids.path(), 2);
    assert_gone(&found);
}

#[tokio::test]
async fn a_run_that_is_given_up_leaves_nothing_either() {
    let pids = tempfile::tempdir().unwrap();
    let control = Control::for_at_most(LONG);
    let directory = pids.path().to_owned();
    let found = tokio::select! {
        _ = SystemRunner.run(child("starts two", pids.path()), &control) => panic!("it ended by itself"),
        found = tokio::task::spawn_blocking(move || wait_for(&directory, 3)) => found.unwrap(),
    };
    for _ in 0..100 {
        if found.iter().all(|pid| Process::open(*pid).map_or(true, |p| p.has_ended())) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_gone(&found);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let control = Control::for_at_most(LONG);
    let error = SystemRunner.run(Request::new("no-such-program", ["x"]), &control).await.unwrap_err();
    assert_eq!(error.to_string(), "the program no-such-program.exe is not installed");
}
