//! `ServiceControl` against a real systemd, with a recorded journal.

use super::linux::SystemdServices;
use crate::context::Services;
use infiniservice_exec::{
    BoxFuture, Cancellation, CommandError, Finished, Request, RunError, Runner, Status,
};
use infiniservice_platform::systemd::own_manager::OwnManager;
use infiniservice_platform::systemd::{BusAddress, UnitClient};
use infiniservice_protocol::{ErrorCode, ServiceOperation as Op};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const UNITS: [(&str, &str); 3] = [
    ("good.service", "[Service]\nExecStart=/bin/sleep 1000\n"),
    ("bad.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n"),
    ("slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n"),
];

#[derive(Default)]
struct Journal(Mutex<Vec<Request>>);

impl Runner for Journal {
    fn run<'a>(&'a self, request: Request, _: &'a Cancellation) -> BoxFuture<'a, Result<Finished, RunError>> {
        self.0.lock().unwrap().push(request);
        let (stdout, stderr) = ("last words\n".to_owned().into(), String::new().into());
        Box::pin(async { Ok(Finished { status: Status::Exited(0), stdout, stderr }) })
    }
}

async fn failure(own: &OwnManager, service: &str, timeout: Duration) -> (CommandError, Vec<Request>) {
    let journal = Arc::new(Journal::default());
    let services = SystemdServices::new(UnitClient::at(own.on_bus()), journal.clone());
    let error = services.control(service, Op::Start, &Cancellation::for_at_most(timeout)).await.unwrap_err();
    let asked = journal.0.lock().unwrap().clone();
    (error, asked)
}

#[tokio::test]
async fn a_failed_start_brings_the_units_last_journal_lines() {
    let Some(own) = OwnManager::start(&UNITS) else { return };
    let (error, asked) = failure(&own, "bad", Duration::from_secs(30)).await;
    assert_eq!(
        (error.code, error.partial.stderr.text.as_str()),
        (ErrorCode::ExecutionFailed, "last words\n")
    );
    assert!(error.error.contains("exit code 1"), "{error}");
    let want = ["-u", "bad.service", "-n", "20", "-o", "cat", "--no-pager"];
    assert_eq!(asked, [Request::new("journalctl", want).max_output(64 << 10)]);
}

#[tokio::test]
async fn a_start_that_takes_too_long_says_that_systemd_goes_on() {
    let Some(own) = OwnManager::start(&UNITS) else { return };
    let (error, asked) = failure(&own, "slow", Duration::from_millis(300)).await;
    assert_eq!((error.code, asked.len()), (ErrorCode::Timeout, 0));
    assert!(error.error.contains("systemd continues"), "{error}");
}

/// A bus that takes the connection and never says a word.
#[tokio::test]
async fn a_start_that_never_reached_systemd_says_that_nothing_was_asked() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("bus");
    let _bus = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let client = UnitClient::at(BusAddress::At(format!("unix:path={}", path.display())));
    let services = SystemdServices::new(client, Arc::new(Journal::default()));
    let cancellation = Cancellation::for_at_most(Duration::from_millis(300));
    let error = services.control("good", Op::Start, &cancellation).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Timeout);
    assert!(error.error.contains("had not yet received") && !error.error.contains("continues"), "{error}");
}

#[tokio::test]
async fn success_carries_the_service_as_it_is_now() {
    let Some(own) = OwnManager::start(&UNITS) else { return };
    let services = SystemdServices::new(UnitClient::at(own.on_bus()), Arc::new(Journal::default()));
    let cancellation = Cancellation::for_at_most(Duration::from_secs(30));
    let data = services.control("good", Op::Start, &cancellation).await.unwrap().data;
    assert_eq!((&data["name"], &data["status"]), (&"good.service".into(), &"running".into()));
    assert_eq!((&data["can_start"], &data["can_stop"]), (&false.into(), &true.into()));
    let listed = services.list().await.unwrap();
    let observed = services.observe().await.unwrap();
    assert_eq!((listed.len(), observed.len() >= 3), (observed.len(), true));
}

#[tokio::test]
async fn names_are_checked_before_anything_is_asked() {
    let nowhere = UnitClient::at(BusAddress::At("unix:path=/nonexistent".into()));
    let services = SystemdServices::new(nowhere, Arc::new(Journal::default()));
    let cancellation = Cancellation::for_at_most(Duration::from_secs(30));
    for (name, code) in [("../x", ErrorCode::InvalidParameter), ("ssh", ErrorCode::Unsupported)] {
        assert_eq!(services.control(name, Op::Start, &cancellation).await.unwrap_err().code, code, "{name}");
    }
}

#[tokio::test]
async fn what_ends_the_machine_is_refused_before_anything_is_asked_and_names_its_action() {
    let nowhere = UnitClient::at(BusAddress::At("unix:path=/nonexistent".into()));
    let services = SystemdServices::new(nowhere, Arc::new(Journal::default()));
    let cancellation = Cancellation::for_at_most(Duration::from_secs(30));
    for (name, words) in [
        ("poweroff.target", "the action Shutdown"),
        ("reboot", "the action Reboot"),
        ("systemd-kexec.service", "the action Reboot"),
        ("rescue.target", "cuts the machine off from the host"),
        ("debug-shell", "without a password"),
    ] {
        let error = services.control(name, Op::Start, &cancellation).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidParameter, "{name}");
        assert!(error.error.contains(words), "{name}: {error}");
    }
}
