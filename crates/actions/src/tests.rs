//! The executor's promises on tokio's paused clock, with fakes for the machine.

mod batches;
mod cancelled;
mod hostile;
mod joined;
mod reloaded;
mod repeated;
mod ten_minutes;
mod traced;

use super::audit::{Audit, AuditRecord};
use super::*;
use crate::packages::{Apt, PackageSystem};
use infiniservice_collector::ProcessQuery;
use infiniservice_exec::{
    self as runner, BoxFuture, Cancellation, CommandError, CommandOutcome, CommandResult,
};
use infiniservice_platform::clock::Now;
use infiniservice_protocol::data::{ProcessListData, ServiceInfo};
use infiniservice_protocol::host::{SafeCommand, UnsafeCommand};
use infiniservice_protocol::metrics::Process;
use infiniservice_protocol::{ErrorCode, HostMessage, Limits, Response, ServiceOperation};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::sync::{Semaphore, mpsc};

/// A machine whose process list ends when the test lets it, and whose services behave as their names say.
#[derive(Default)]
struct Machine {
    scans: AtomicUsize,
    begun: AtomicUsize,
    /// Programs that it was to run.
    requests: Mutex<Vec<String>>,
    gate: Option<Semaphore>,
}

impl ProcessSource for Machine {
    fn processes(&self, _: ProcessQuery) -> BoxFuture<'_, Result<ProcessListData, String>> {
        Box::pin(async {
            self.scans.fetch_add(1, Ordering::SeqCst);
            if let Some(gate) = &self.gate {
                gate.acquire().await.unwrap().forget();
            }
            let seven = Process { pid: 7, name: "seven".into(), ..Process::default() };
            Ok(ProcessListData { processes: vec![seven], count: 1, ..Default::default() })
        })
    }
}

impl Services for Machine {
    fn list(&self) -> BoxFuture<'_, Result<Vec<ServiceInfo>, CommandError>> {
        Box::pin(async { Ok(vec![]) })
    }

    fn control<'a>(
        &'a self,
        service: &'a str,
        _: ServiceOperation,
        cancellation: &'a Cancellation,
    ) -> BoxFuture<'a, CommandResult> {
        Box::pin(async move {
            self.begun.fetch_add(1, Ordering::SeqCst);
            match service {
                "panics" => panic!("a fault of ours"),
                "hangs" => cancellation.run_until_cancelled(std::future::pending()).await?,
                "deaf" => std::future::pending().await,
                _ => {}
            }
            CommandOutcome::of(&json!({ "name": service }))
        })
    }
}

impl runner::Runner for Machine {
    fn run<'a>(
        &'a self,
        request: runner::Request,
        _: &'a Cancellation,
    ) -> BoxFuture<'a, Result<runner::Finished, runner::RunError>> {
        self.requests.lock().unwrap().push(format!("{request:?}"));
        Box::pin(async { Err(runner::RunError::NotInstalled("anything".into())) })
    }
}

#[derive(Default)]
struct Records(Mutex<Vec<AuditRecord>>);

impl Audit for Records {
    fn record(&self, record: &AuditRecord) {
        self.0.lock().unwrap().push(record.clone());
    }
}

struct PackageSession {
    executor: Executor,
    replies: mpsc::Receiver<Reply>,
    machine: Arc<Machine>,
    records: Arc<Records>,
}

impl PackageSession {
    fn new(settings: CommandSettings, gated: bool) -> Self {
        let machine = Arc::new(Machine { gate: gated.then(|| Semaphore::new(0)), ..Machine::default() });
        let records = Arc::new(Records::default());
        let (sender, replies) = reply_channel(&settings, 0);
        let context = CommandContext {
            runner: machine.clone(),
            processes: machine.clone(),
            services: machine.clone(),
            packages: Some(Arc::new(PackageSystem::new(Box::new(Apt), "/nonexistent".as_ref()))),
            systemd_runs: true,
            changes: Arc::default(),
            scripts: Scripts::none(),
            seal: Arc::default(),
            reloads: Reloads::default(),
            max_output_bytes: 1000,
            max_list_bytes: 1 << 20,
        };
        let executor = Executor::new(settings, context, sender).with_audit(records.clone());
        Self { executor, replies, machine, records }
    }

    fn gated(limits: Limits) -> Self {
        Self::new(CommandSettings { limits, ..CommandSettings::default() }, true)
    }

    fn open() -> Self {
        Self::new(CommandSettings::default(), false)
    }

    fn ask(&self, id: &str, action: &str, params: &Value, timeout: Option<u64>) {
        let params = params.as_object().unwrap().clone();
        let command = SafeCommand { id: id.into(), action: action.into(), params, timeout, progress: false };
        self.executor.submit(now(), HostMessage::SafeCommand(command));
    }

    fn list(&self, id: &str) {
        self.ask(id, "ProcessList", &json!({}), None);
    }

    fn control(&self, id: &str, service: &str, timeout: Option<u64>) {
        self.ask(id, "ServiceControl", &json!({"service": service, "operation": "start"}), timeout);
    }

    fn raw(&self, id: &str) {
        let command = UnsafeCommand { id: id.into(), raw_command: "id".into(), ..UnsafeCommand::default() };
        self.executor.submit(now(), HostMessage::UnsafeCommand(command));
    }

    async fn answer(&mut self) -> Response {
        response(self.replies.recv().await.unwrap())
    }

    /// Answers that are there already.
    fn answers(&mut self) -> Vec<(String, Option<ErrorCode>)> {
        let replies = std::iter::from_fn(|| self.replies.try_recv().ok()).map(response);
        replies.map(|r| (r.id, r.error_code)).collect()
    }

    fn release(&self) {
        self.machine.gate.as_ref().unwrap().add_permits(1);
    }
}

fn response(reply: Reply) -> Response {
    let Reply::Response(response) = reply else { panic!("a batch's result: {reply:?}") };
    response
}

fn now() -> Now {
    Now { mono: Duration::from_secs(50), wall: SystemTime::UNIX_EPOCH }
}

/// Lets every task that can run do so.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_is_answered_with_its_id_action_and_data() {
    let mut desk = PackageSession::open();
    desk.list("a");
    let answer = desk.answer().await;
    assert_eq!(
        (answer.id.as_str(), answer.command_type.as_str(), answer.success),
        ("a", "ProcessList", true)
    );
    assert_eq!(answer.data["count"], 1);
}

#[tokio::test(start_paused = true)]
async fn equal_reads_in_flight_scan_once_and_answer_each_id() {
    let mut desk = PackageSession::gated(Limits::default());
    for id in ["a", "b", "c"] {
        desk.list(id);
    }
    desk.ask("d", "ProcessList", &json!({"limit": 5}), None);
    settle().await;
    assert_eq!(desk.machine.scans.load(Ordering::SeqCst), 2);
    desk.release();
    settle().await;
    let ids: Vec<_> = desk.answers().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn an_id_runs_once_in_flight_it_is_refused_answered_it_gets_the_same_answer() {
    let mut desk = PackageSession::gated(Limits::default());
    desk.list("a");
    desk.list("a");
    assert_eq!(desk.answer().await.error_code, Some(ErrorCode::DuplicateId));
    desk.release();
    let first = desk.answer().await;
    desk.list("a");
    assert_eq!(desk.answer().await, first);
    assert_eq!(desk.machine.scans.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answered_id_is_not_looked_at_again_even_if_its_second_text_is_wrong() {
    let mut desk = PackageSession::open();
    desk.list("a");
    let first = desk.answer().await;
    desk.ask("a", "ProcessKill", &json!({"pid": "none"}), None);
    assert_eq!(desk.answer().await, first);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_the_queue_is_refused_at_once_and_the_rest_is_answered() {
    let limits = Limits { max_queued_commands: 1, max_concurrent_commands: 1, ..Limits::default() };
    let mut desk = PackageSession::gated(limits);
    for (id, limit) in [("a", 1), ("b", 2), ("c", 3)] {
        desk.ask(id, "ProcessList", &json!({ "limit": limit }), None);
    }
    settle().await;
    assert_eq!(desk.answers(), [("c".into(), Some(ErrorCode::QueueFull))]);
    desk.release();
    desk.release();
    settle().await;
    assert_eq!(desk.answers(), [("a".into(), None), ("b".into(), None)]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_command_may_be_sent_again_with_the_same_id() {
    let limits = Limits { max_queued_commands: 0, max_concurrent_commands: 1, ..Limits::default() };
    let mut desk = PackageSession::gated(limits);
    desk.list("a");
    settle().await;
    desk.control("b", "x", None);
    assert_eq!(desk.answer().await.error_code, Some(ErrorCode::QueueFull));
    desk.release();
    desk.answer().await;
    desk.control("b", "x", None);
    assert!(desk.answer().await.success);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_overruns_is_answered_at_its_timeout_even_if_it_is_deaf() {
    let mut desk = PackageSession::open();
    for (service, at_most) in [("hangs", 3.1), ("deaf", 8.1)] {
        let began = tokio::time::Instant::now();
        desk.control(service, service, Some(3));
        let answer = desk.answer().await;
        assert_eq!(answer.error_code, Some(ErrorCode::Timeout), "{service}");
        assert!(answer.error.unwrap().contains("3 s"));
        assert!(began.elapsed().as_secs_f64() <= at_most, "{service}: {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_gets_no_place_is_answered_after_its_timeout_and_never_runs() {
    let limits = Limits { max_concurrent_commands: 1, ..Limits::default() };
    let mut desk = PackageSession::gated(limits);
    desk.ask("long", "ProcessList", &json!({}), Some(100));
    desk.control("short", "x", Some(10));
    let answer = desk.answer().await;
    assert_eq!((answer.id.as_str(), answer.error_code), ("short", Some(ErrorCode::Timeout)));
    assert!(answer.error.unwrap().contains("was not started"));
    desk.release();
    desk.answer().await;
    settle().await;
    assert_eq!(desk.machine.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_answer_and_the_next_command_works() {
    let mut desk = PackageSession::open();
    desk.control("a", "panics", None);
    assert_eq!(desk.answer().await.error_code, Some(ErrorCode::Internal));
    desk.control("b", "x", None);
    assert!(desk.answer().await.success);
}

#[tokio::test(start_paused = true)]
async fn shutdown_answers_the_waiting_at_once_the_running_at_the_deadline_and_takes_no_more() {
    let mut desk = PackageSession::gated(Limits { max_concurrent_commands: 1, ..Limits::default() });
    desk.ask("running", "ProcessList", &json!({}), None);
    settle().await;
    desk.control("waiting", "x", None);
    desk.executor.close();
    settle().await;
    assert_eq!(desk.answers(), [("waiting".into(), Some(ErrorCode::Cancelled))]);
    desk.control("late", "x", None);
    assert_eq!(desk.answer().await.error_code, Some(ErrorCode::Cancelled));
    desk.executor.cancel();
    desk.executor.idle().await;
    assert_eq!(desk.answers(), [("running".into(), Some(ErrorCode::Cancelled))]);
}

#[tokio::test(start_paused = true)]
async fn a_running_command_may_end_by_itself_after_the_first_step_of_a_shutdown() {
    let mut desk = PackageSession::gated(Limits::default());
    desk.list("a");
    settle().await;
    desk.executor.close();
    desk.release();
    desk.executor.idle().await;
    assert_eq!(desk.answers(), [("a".into(), None)]);
}

#[tokio::test(start_paused = true)]
async fn every_refusal_has_its_own_code() {
    let mut desk = PackageSession::new(
        CommandSettings { blocked_actions: vec!["ProcessKill".into()], ..CommandSettings::default() },
        false,
    );
    desk.ask("1", "Bogus", &json!({}), None);
    desk.ask("2", "ProcessKill", &json!({"pid": 5}), None);
    let elsewhere = if std::env::consts::OS == "windows" { "UpdateInstall" } else { "WindowsUpdateCheck" };
    desk.ask("3", elsewhere, &json!({}), None);
    desk.ask("4", "ProcessList", &json!({"limit": "many"}), None);
    desk.raw("5");
    let codes: Vec<_> = desk.answers().into_iter().map(|(_, code)| code.unwrap()).collect();
    let want = [
        ErrorCode::UnknownAction,
        ErrorCode::ActionBlocked,
        ErrorCode::Unsupported,
        ErrorCode::InvalidParameter,
        ErrorCode::UnsafeDisabled,
    ];
    assert_eq!(codes, want);
}

#[tokio::test(start_paused = true)]
async fn each_command_is_recorded_once_refused_ones_too_and_counted() {
    let mut desk = PackageSession::open();
    desk.list("a");
    desk.answer().await;
    desk.list("a");
    desk.ask("b", "Bogus", &json!({}), None);
    desk.answers();
    let records = desk.records.0.lock().unwrap();
    let told: Vec<_> = records.iter().map(|r| (r.id.as_str(), r.action.as_str(), r.success)).collect();
    assert_eq!(told, [("a", "ProcessList", true), ("b", "Bogus", false)]);
    assert_eq!(desk.executor.summary().to_string(), "(unknown action) UNKNOWN_ACTION 1, ProcessList ok 1");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_refusals_that_nobody_reads_is_bounded_and_accepted_commands_still_get_through() {
    let mut desk = PackageSession::gated(Limits::default());
    desk.list("accepted");
    settle().await;
    for i in 0..5000 {
        desk.ask(&i.to_string(), "Bogus", &json!({}), None);
    }
    desk.release();
    settle().await;
    let answers = desk.answers();
    assert!(answers.len() < 1200, "{}", answers.len());
    assert!(answers.contains(&("accepted".into(), None)));
    assert!(desk.executor.summary().dropped > 3000);
}
