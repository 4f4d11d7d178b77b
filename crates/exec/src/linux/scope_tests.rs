//! Work that outlives the agent, under a real systemd.

use super::*;
use crate::{Program, Status, Stop};
use infiniservice_platform::systemd::own_manager::OwnManager;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::unix::pipe;
use tokio::sync::watch;

const LONG: Duration = Duration::from_secs(60);
/// For a scope and a shell on a busy machine.
const LONG_ENOUGH_TO_BEGIN: Duration = Duration::from_secs(10);

fn shell(script: &str) -> Request {
    let request = Request::new("sh", ["-c", script]).outliving_the_agent();
    Request { program: Program::At("/bin/sh".into()), ..request }
}

/// A runner over a systemd of its own; both are needed to the end.
async fn runner() -> Option<(OwnManager, SystemRunner)> {
    let own = OwnManager::start(&[])?;
    own.named().await;
    let containments = Containments::with_scopes(own.on_bus());
    Some((own, SystemRunner::with(containments)))
}

fn named_pipe(directory: &Path, name: &str) -> pipe::Receiver {
    let path = directory.join(name);
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &path, kind, rustix::fs::Mode::RWXU, 0).unwrap();
    pipe::OpenOptions::new().open_receiver(path).unwrap()
}

#[tokio::test]
async fn it_runs_in_a_scope_of_its_own_and_its_output_comes_as_ever() {
    let Some((_own, runner)) = runner().await else { return };
    let request = shell("cat /proc/self/cgroup; echo err >&2; exit 3");
    let finished = runner.run(request, &Cancellation::for_at_most(LONG)).await.unwrap();
    assert_eq!((finished.status, finished.stderr.text.as_str()), (Status::Exited(3), "err\n"));
    assert!(finished.stdout.text.contains("/infiniservice-package-"), "{}", finished.stdout.text);
}

#[tokio::test]
async fn a_timeout_ends_all_of_it() {
    let Some((_own, runner)) = runner().await else { return };
    let script = "trap '' TERM; (setsid sleep 1000 &); echo began; cat /proc/self/cgroup; sleep 1000";
    let finished = runner.run(shell(script), &Cancellation::for_at_most(LONG_ENOUGH_TO_BEGIN)).await.unwrap();
    assert!(matches!(finished.status, Status::Stopped(Stop::TimedOut(_))), "{finished:?}");
    assert!(finished.stdout.text.starts_with("began\n"), "{finished:?}");
    let scope = finished.stdout.text.rsplit('/').next().unwrap().trim();
    assert!(scope.starts_with("infiniservice-package-"), "{finished:?}");
    let groups = infiniservice_platform::cgroup::below(Path::new("/sys/fs/cgroup"));
    let left =
        groups.into_iter().find(|path| path.ends_with(scope)).map(infiniservice_platform::cgroup::Cgroup::at);
    assert!(left.is_none_or(|group| group.is_empty()), "{scope} is not empty");
}

#[tokio::test]
async fn it_goes_on_when_the_agent_ends_and_says_what_it_likes_to_nobody() {
    let Some((_own, runner)) = runner().await else { return };
    let root = TempDir::new().unwrap();
    let (begun, over) = (named_pipe(root.path(), "begun"), named_pipe(root.path(), "over"));
    let script = "cd $ROOT; echo first; echo > begun; read go < go; \
        head -c 300000 /dev/zero | tr '\\0' x && echo done >&2 && echo > over";
    let (cancel, cancelled) = watch::channel(false);
    let cancellation = Cancellation::new(LONG, cancelled);
    drop(named_pipe(root.path(), "go"));
    // Open at both ends until the test is over: the script may open it before the word is there, or after.
    let mut go = File::options().read(true).write(true).open(root.path().join("go")).unwrap();
    let request = shell(script).env("ROOT", root.path());
    let stop = async {
        begun.readable().await.unwrap();
        cancel.send_replace(true);
    };
    let (finished, ()) = tokio::join!(runner.run(request, &cancellation), stop);
    let finished = finished.unwrap();
    assert_eq!(finished.status, Status::Detached);
    // What the relay had not handed on by then stays with it.
    assert!("first\n".starts_with(&finished.stdout.text), "{finished:?}");
    // The agent is gone: its ends of the pipes are closed. More than a pipe holds is written, and the end is reached.
    go.write_all(b"go\n").unwrap();
    tokio::time::timeout(LONG, over.readable()).await.expect("it did not survive").unwrap();
}

#[tokio::test]
async fn without_systemd_it_runs_all_the_same() {
    let containments = Containments::with_scopes(infiniservice_platform::systemd::BusAddress::At(
        "unix:path=/nonexistent/bus".into(),
    ));
    let finished = SystemRunner::with(containments)
        .run(shell("echo out"), &Cancellation::for_at_most(LONG))
        .await
        .unwrap();
    assert_eq!((finished.status, finished.stdout.text.as_str()), (Status::Exited(0), "out\n"));
}
