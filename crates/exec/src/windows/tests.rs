//! The runner on real processes; programs that start others and leave them behind among them.

use super::*;
use crate::Stop;
use infiniservice_platform::win32::process_unsafe::Process;
use infiniservice_protocol::ErrorCode;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const LONG: Duration = Duration::from_secs(60);
const CHILD: &str = "windows::tests::a_program_for_the_other_tests";

/// cmd with a line of its own.
fn cmd(line: &str) -> Request {
    let command_line = Some(format!("/d /s /c \"{line}\"").into());
    Request { command_line, ..Request::new("cmd", [""; 0]) }
}

/// This very test program as a child that does as `ROLE` says, and speaks to `meeting`.
fn child(role: &str, meeting: &Meeting) -> Request {
    let program = crate::Program::At(std::env::current_exe().unwrap());
    let arguments = ["--exact", CHILD, "--nocapture", "--test-threads=1"];
    let request = Request { program, ..Request::new("x", arguments) };
    let port = meeting.0.local_addr().unwrap().port().to_string();
    request.env("INFINISERVICE_TEST_ROLE", role).env("INFINISERVICE_TEST_PORT", port)
}

/// Where the children say who they are: each holds a connection for as long as it lives.
struct Meeting(TcpListener);

impl Meeting {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// Waits until `count` have come.
    fn wait_for(&self, count: usize) -> Vec<Came> {
        (0..count)
            .map(|_| {
                let (mut connection, _) = self.0.accept().unwrap();
                let mut pid = [0; 4];
                connection.read_exact(&mut pid).unwrap();
                Came { pid: u32::from_le_bytes(pid), connection }
            })
            .collect()
    }
}

/// A child that said who it is.
struct Came {
    pid: u32,
    connection: TcpStream,
}

impl Came {
    /// Waits until it is no more: Windows closes what it held.
    fn wait_for_its_end(mut self) {
        self.connection.set_read_timeout(Some(LONG)).unwrap();
        let read = self.connection.read(&mut [0]);
        let closed = match &read {
            Ok(count) => *count == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        };
        assert!(closed, "process {} was left behind: {read:?}", self.pid);
    }
}

async fn run(request: Request, timeout: Duration) -> Finished {
    SystemRunner.run(request, &Cancellation::for_at_most(timeout)).await.unwrap()
}

/// Not a test of anything where it has no role. It leaves children behind on purpose: Windows knows no zombies.
#[test]
#[allow(clippy::zombie_processes)]
fn a_program_for_the_other_tests() {
    let Ok(role) = std::env::var("INFINISERVICE_TEST_ROLE") else { return };
    let port: u16 = std::env::var("INFINISERVICE_TEST_PORT").unwrap().parse().unwrap();
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let own = std::env::current_exe().unwrap();
    let mut next = std::process::Command::new(own);
    next.args(["--exact", CHILD, "--nocapture"]).env("INFINISERVICE_TEST_ROLE", "stays");
    match role.as_str() {
        // A child of a child, in a process group of its own, that holds no pipe.
        "starts two" => {
            next.env("INFINISERVICE_TEST_ROLE", "starts one").spawn().unwrap();
        }
        "starts one" => {
            use std::os::windows::process::CommandExt;
            next.creation_flags(0x0000_0200).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        }
        "leaves one" => {
            next.spawn().unwrap();
        }
        _ => {}
    }
    connection.write_all(&std::process::id().to_le_bytes()).unwrap();
    if role == "leaves one" {
        // Ends when it is told that the other has come.
        return connection.read_exact(&mut [0]).unwrap();
    }
    // It stays until it is ended, whatever it is told.
    let _closed = std::io::copy(&mut connection, &mut std::io::sink());
}

fn assert_gone(came: &[Came]) {
    let is_there = |pid| Process::open(pid).is_ok_and(|process| !process.has_ended());
    let left: Vec<_> = came.iter().map(|came| came.pid).filter(|pid| is_there(*pid)).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
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
async fn one_that_is_cancelled_is_ended_with_all_that_it_started() {
    let meeting = Meeting::new();
    let request = child("starts two", &meeting);
    let (cancel, cancelled) = tokio::sync::watch::channel(false);
    let cancellation = Cancellation::new(LONG, cancelled);
    let stop = async {
        let came = tokio::task::spawn_blocking(move || meeting.wait_for(3)).await.unwrap();
        cancel.send_replace(true);
        came
    };
    let (finished, came) = tokio::join!(SystemRunner.run(request, &cancellation), stop);
    let error = finished.unwrap().into_error(ErrorCode::ExecutionFailed, "failed");
    assert_eq!(error.code, ErrorCode::Cancelled);
    assert_gone(&came);
}

#[tokio::test]
async fn one_that_overruns_is_ended_and_the_failure_is_a_timeout() {
    let meeting = Meeting::new();
    let timeout = Duration::from_millis(500);
    let finished = run(child("stays", &meeting), timeout).await;
    assert_eq!(finished.status, Status::Stopped(Stop::TimedOut(timeout)));
}

#[tokio::test]
async fn what_was_to_stop_before_it_began_does_not_begin() {
    let (cancel, cancelled) = tokio::sync::watch::channel(false);
    cancel.send_replace(true);
    let directory = tempfile::tempdir().unwrap();
    let line = format!("echo x> {}", directory.path().join("began").display());
    let finished = SystemRunner.run(cmd(&line), &Cancellation::new(LONG, cancelled)).await.unwrap();
    assert_eq!(finished.status, Status::Stopped(Stop::Cancelled));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    let meeting = Meeting::new();
    let request = child("leaves one", &meeting);
    let let_it_go = tokio::task::spawn_blocking(move || {
        let mut came = meeting.wait_for(2);
        // Only the one that leaves heeds it.
        for one in &mut came {
            one.connection.write_all(&[0]).unwrap();
        }
        came
    });
    let finished = run(request, LONG).await;
    assert!(finished.succeeded(), "{finished:?}");
    assert_gone(&let_it_go.await.unwrap());
}

#[tokio::test]
async fn a_run_that_is_given_up_leaves_nothing_either() {
    let meeting = Meeting::new();
    let request = child("starts two", &meeting);
    let cancellation = Cancellation::for_at_most(LONG);
    let came = tokio::select! {
        _ = SystemRunner.run(request, &cancellation) => panic!("it ended by itself"),
        came = tokio::task::spawn_blocking(move || meeting.wait_for(3)) => came.unwrap(),
    };
    came.into_iter().for_each(Came::wait_for_its_end);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let cancellation = Cancellation::for_at_most(LONG);
    let error = SystemRunner.run(Request::new("no-such-program", ["x"]), &cancellation).await.unwrap_err();
    assert_eq!(error.to_string(), "the program no-such-program.exe is not installed");
}
