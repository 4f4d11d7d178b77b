//! Several commands that are taken together or not at all.

use super::*;
use infiniservice_protocol::batch::{BatchResult, Mode, OnError};
use infiniservice_protocol::host::{Batch, BatchCommand};

/// What a test sees of an answer: its id, and its code or `ok`; of a batch's result the ids and codes of its outcomes.
type Told = (String, String);

fn code(code: Option<ErrorCode>) -> String {
    code.map_or("ok".to_owned(), |code| code.to_string())
}

fn outcomes(result: &BatchResult) -> String {
    let told = result.outcomes.iter().map(|one| format!("{}={}", one.id, code(one.error_code)));
    told.collect::<Vec<_>>().join(" ")
}

fn told(reply: Reply) -> Told {
    match reply {
        Reply::Response(response) => (response.id.clone(), code(response.error_code)),
        Reply::Batch(result) => (result.id.clone(), outcomes(&result)),
    }
}

fn owned(expected: &[(&str, &str)]) -> Vec<Told> {
    expected.iter().map(|(id, what)| ((*id).to_owned(), (*what).to_owned())).collect()
}

fn control(id: &str, service: &str, timeout: Option<u64>) -> BatchCommand {
    let params = json!({"service": service, "operation": "start"}).as_object().cloned().unwrap();
    let action = "ServiceControl".to_owned();
    BatchCommand::Safe(SafeCommand { id: id.into(), action, params, timeout, progress: false })
}

fn batch(id: &str, mode: Mode, on_error: OnError, services: &[&str]) -> Batch {
    let commands = services.iter().enumerate().map(|(at, service)| {
        let at = at + 1;
        control(&format!("{id}{at}"), service, Some(60))
    });
    Batch { id: id.into(), commands: commands.collect(), mode, on_error, timeout: None }
}

impl PackageSession {
    fn batch(&self, batch: Batch) -> usize {
        self.executor.submit_batch(now(), batch, None)
    }

    fn sequence(&self, id: &str, services: &[&str]) -> usize {
        self.batch(batch(id, Mode::Sequential, OnError::Stop, services))
    }

    fn beside(&self, id: &str, services: &[&str]) -> usize {
        self.batch(batch(id, Mode::Parallel, OnError::Stop, services))
    }

    /// So many answers.
    async fn told(&mut self, count: usize) -> Vec<Told> {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(told(self.replies.recv().await.unwrap()));
        }
        all
    }

    fn told_so_far(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| self.replies.try_recv().ok()).map(told).collect()
    }

    fn begun(&self) -> usize {
        self.machine.begun.load(Ordering::SeqCst)
    }
}

fn narrow(max_queued_commands: usize, max_concurrent_commands: usize) -> PackageSession {
    let limits = Limits { max_queued_commands, max_concurrent_commands, ..Limits::default() };
    PackageSession::new(CommandSettings { limits, ..CommandSettings::default() }, false)
}

#[tokio::test(start_paused = true)]
async fn commands_run_one_after_the_other_and_the_result_comes_last() {
    let mut desk = PackageSession::open();
    assert_eq!(desk.sequence("b", &["x", "y", "z"]), 0, "all answers will come");
    let expected = [("b1", "ok"), ("b2", "ok"), ("b3", "ok"), ("b", "b1=ok b2=ok b3=ok")];
    assert_eq!(desk.told(4).await, owned(&expected));
    settle().await;
    assert_eq!((desk.executor.in_flight(), desk.told_so_far()), (0, vec![]));
    let records = desk.records.0.lock().unwrap();
    let actions: Vec<_> = records.iter().map(|record| (record.id.as_str(), record.action.as_str())).collect();
    let control = "ServiceControl";
    assert_eq!(actions, [("b1", control), ("b2", control), ("b3", control), ("b", "Batch")]);
}

#[tokio::test(start_paused = true)]
async fn after_one_that_failed_the_others_do_not_run_unless_they_are_to() {
    let mut desk = PackageSession::open();
    let _ = desk.sequence("s", &["x", "panics", "y", "z"]);
    let expected = [
        ("s1", "ok"),
        ("s2", "INTERNAL"),
        ("s3", "CANCELLED"),
        ("s4", "CANCELLED"),
        ("s", "s1=ok s2=INTERNAL s3=CANCELLED s4=CANCELLED"),
    ];
    assert_eq!(desk.told(5).await, owned(&expected));
    assert_eq!(desk.begun(), 2);
    let _ = desk.batch(batch("c", Mode::Sequential, OnError::Continue, &["panics", "y"]));
    assert_eq!(desk.told(3).await, owned(&[("c1", "INTERNAL"), ("c2", "ok"), ("c", "c1=INTERNAL c2=ok")]));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_did_not_run_says_why() {
    let mut desk = PackageSession::open();
    let _ = desk.sequence("s", &["panics", "y"]);
    desk.answer().await;
    assert_eq!(desk.answer().await.error.as_deref(), Some("an earlier command failed"));
}

#[tokio::test(start_paused = true)]
async fn commands_beside_each_other_take_the_places_that_are_free() {
    let mut desk = narrow(64, 5);
    let _ = desk.beside("p", &["hangs", "hangs", "hangs", "hangs", "hangs", "hangs"]);
    settle().await;
    assert_eq!(desk.begun(), 4, "a quarter of the places is kept for reads");
    desk.executor.cancel_one(now(), "x", "p");
    let mut answers = desk.told(8).await;
    assert_eq!(answers.pop(), Some(("x".into(), "ok".into())));
    let cancelled = (1..=6).map(|n| format!("p{n}=CANCELLED")).collect::<Vec<_>>().join(" ");
    assert_eq!(answers.pop(), Some(("p".into(), cancelled)));
    assert_eq!(desk.begun(), 4);
}

#[tokio::test(start_paused = true)]
async fn beside_one_that_failed_only_those_that_run_go_on() {
    let mut desk = narrow(64, 2);
    let _ = desk.beside("p", &["panics", "x", "y"]);
    let expected = [
        ("p1", "INTERNAL"),
        ("p2", "CANCELLED"),
        ("p3", "CANCELLED"),
        ("p", "p1=INTERNAL p2=CANCELLED p3=CANCELLED"),
    ];
    assert_eq!(desk.told(4).await, owned(&expected));
    assert_eq!(desk.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_room_for_all_none_runs_and_none_is_remembered() {
    let mut desk = narrow(2, 4);
    let three = ["x", "y", "z"];
    assert_eq!(desk.sequence("b", &three), 3, "their answers will not come");
    settle().await;
    assert_eq!(desk.told_so_far(), owned(&[("b", "QUEUE_FULL")]));
    assert_eq!((desk.begun(), desk.executor.in_flight()), (0, 0));
    let _ = desk.sequence("b", &["x", "y"]);
    assert_eq!(desk.told(3).await, owned(&[("b1", "ok"), ("b2", "ok"), ("b", "b1=ok b2=ok")]));
}

#[tokio::test(start_paused = true)]
async fn places_of_commands_whose_turn_has_not_come_are_kept() {
    let mut desk = narrow(3, 1);
    let _ = desk.sequence("b", &["hangs", "x", "y"]);
    settle().await;
    desk.control("other", "x", Some(60));
    desk.control("more", "x", Some(60));
    assert_eq!(desk.told_so_far(), owned(&[("more", "QUEUE_FULL")]), "of three places two are kept");
}

#[tokio::test(start_paused = true)]
async fn a_repeated_id_gets_the_same_answers_and_nothing_runs_again() {
    let mut desk = PackageSession::open();
    let _ = desk.sequence("b", &["x", "panics", "y"]);
    let first = desk.told(4).await;
    assert_eq!(desk.sequence("b", &["x", "panics", "y"]), 0);
    assert_eq!(desk.told(4).await, first);
    assert_eq!(desk.begun(), 2);
    // As many answers as were asked for, or one.
    assert_eq!(desk.sequence("b", &["x"]), 1);
    assert_eq!(desk.told(1).await, owned(&[("b", "DUPLICATE_ID")]));
    desk.control("b1", "x", None);
    assert_eq!(desk.told(1).await, owned(&[("b1", "ok")]), "its commands' ids are remembered, too");
    assert_eq!(desk.begun(), 2);
}

#[tokio::test(start_paused = true)]
async fn ids_in_flight_are_refused_and_an_id_that_is_known_refuses_all() {
    let mut desk = PackageSession::open();
    let _ = desk.sequence("b", &["hangs", "x"]);
    settle().await;
    assert_eq!(desk.sequence("b", &["hangs", "x"]), 2);
    desk.control("b", "x", None);
    desk.control("b2", "x", None);
    let mut other = batch("c", Mode::Sequential, OnError::Stop, &["x"]);
    other.commands.push(control("b2", "x", None));
    assert_eq!(desk.batch(other), 2);
    let duplicate = "DUPLICATE_ID";
    let expected = [("b", duplicate), ("b", duplicate), ("b2", duplicate), ("c", duplicate)];
    assert_eq!(desk.told_so_far(), owned(&expected));
    assert_eq!(desk.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_repeats_that_nobody_reads_do_not_pile_up() {
    let mut desk = PackageSession::open();
    let _ = desk.sequence("b", &["x", "y"]);
    let first = desk.told(3).await;
    for _ in 0..1000 {
        let _ = desk.sequence("b", &["x", "y"]);
    }
    let repeats = desk.told_so_far();
    let whole = repeats.iter().filter(|told| **told == first[2]).count();
    assert!((1..=8).contains(&whole), "{whole}");
    assert!(repeats.iter().all(|told| first.contains(told) || told.1 == "DUPLICATE_ID"));
    assert_eq!(desk.begun(), 2);
}

#[tokio::test(start_paused = true)]
async fn each_command_is_under_its_own_policy() {
    let settings =
        CommandSettings { blocked_actions: vec!["ProcessKill".into()], ..CommandSettings::default() };
    let mut desk = PackageSession::new(settings, false);
    let safe = |id: &str, action: &str| {
        let (action, params) = (action.to_owned(), serde_json::Map::new());
        BatchCommand::Safe(SafeCommand { id: id.into(), action, params, timeout: None, progress: false })
    };
    let raw = UnsafeCommand { id: "3".into(), raw_command: "id".into(), ..UnsafeCommand::default() };
    let commands = vec![
        safe("1", "ProcessKill"),
        safe("2", "Bogus"),
        BatchCommand::Unsafe(raw),
        safe("4", "ServiceControl"),
        control("5", "x", None),
    ];
    let (mode, on_error) = (Mode::Sequential, OnError::Continue);
    let _ = desk.batch(Batch { id: "b".into(), commands, mode, on_error, timeout: None });
    let expected = [
        ("1", "ACTION_BLOCKED"),
        ("2", "UNKNOWN_ACTION"),
        ("3", "UNSAFE_DISABLED"),
        ("4", "INVALID_PARAMETER"),
        ("5", "ok"),
        ("b", "1=ACTION_BLOCKED 2=UNKNOWN_ACTION 3=UNSAFE_DISABLED 4=INVALID_PARAMETER 5=ok"),
    ];
    assert_eq!(desk.told(6).await, owned(&expected));
}

#[tokio::test(start_paused = true)]
async fn cancelled_as_a_whole_it_is_answered_before_the_one_who_wanted_that() {
    let mut desk = PackageSession::open();
    let _ = desk.sequence("b", &["hangs", "x", "y"]);
    settle().await;
    desk.executor.cancel_one(now(), "c", "b");
    let cancelled = "CANCELLED";
    let mut answers = desk.told(5).await;
    assert_eq!(answers.split_off(3), owned(&[("b", "b1=CANCELLED b2=CANCELLED b3=CANCELLED"), ("c", "ok")]));
    answers.sort();
    assert_eq!(answers, owned(&[("b1", cancelled), ("b2", cancelled), ("b3", cancelled)]));
    assert_eq!((desk.begun(), desk.executor.in_flight()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn one_of_its_commands_may_be_cancelled_before_its_turn_or_while_it_runs() {
    let mut desk = PackageSession::open();
    let _ = desk.batch(batch("b", Mode::Sequential, OnError::Continue, &["hangs", "x", "y"]));
    settle().await;
    desk.executor.cancel_one(now(), "c", "b2");
    assert_eq!(desk.told_so_far(), owned(&[("b2", "CANCELLED"), ("c", "ok")]));
    desk.executor.cancel_one(now(), "d", "b1");
    let expected = [("b1", "CANCELLED"), ("d", "ok"), ("b3", "ok"), ("b", "b1=CANCELLED b2=CANCELLED b3=ok")];
    assert_eq!(desk.told(4).await, owned(&expected));
    assert_eq!(desk.begun(), 2);
}

#[tokio::test(start_paused = true)]
async fn its_time_ends_the_one_that_runs_and_the_others_never_begin() {
    let mut desk = PackageSession::open();
    let began = tokio::time::Instant::now();
    let hanging = batch("b", Mode::Sequential, OnError::Continue, &["x", "hangs", "y"]);
    let _ = desk.batch(Batch { timeout: Some(5), ..hanging });
    let expected =
        [("b1", "ok"), ("b2", "TIMEOUT"), ("b3", "CANCELLED"), ("b", "b1=ok b2=TIMEOUT b3=CANCELLED")];
    assert_eq!(desk.told(4).await, owned(&expected));
    assert!((5.0..5.2).contains(&began.elapsed().as_secs_f64()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn shutdown_answers_what_has_not_begun_and_lets_the_rest_end() {
    let mut desk = PackageSession::open();
    let _ = desk.sequence("b", &["hangs", "x"]);
    settle().await;
    desk.executor.close();
    assert_eq!(desk.told_so_far(), owned(&[("b2", "CANCELLED")]));
    assert_eq!(desk.sequence("late", &["x"]), 1);
    assert_eq!(desk.told_so_far(), owned(&[("late", "CANCELLED")]));
    desk.executor.cancel();
    desk.executor.idle().await;
    let expected = [("b1", "CANCELLED"), ("b", "b1=CANCELLED b2=CANCELLED")];
    assert_eq!(desk.told_so_far(), owned(&expected));
}

#[tokio::test(start_paused = true)]
async fn in_every_interleaving_each_id_is_answered_once() {
    for seed in 0..300 {
        interleaving(seed).await;
    }
}

/// Batches and commands by themselves, cancelled at random, on few places; ends with a shutdown.
async fn interleaving(seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut desk = narrow(rng.usize(2..12), rng.usize(1..5));
    let (mut asked, mut answers) = (Vec::new(), Vec::new());
    for round in 0..12 {
        let services: Vec<&str> =
            (0..rng.usize(1..5)).map(|_| *rng.choice(&["x", "hangs", "panics", "y"]).unwrap()).collect();
        let mode = if rng.bool() { Mode::Sequential } else { Mode::Parallel };
        let on_error = if rng.bool() { OnError::Stop } else { OnError::Continue };
        let id = format!("{round}b");
        match rng.u8(..4) {
            0 => {
                desk.control(&id, services[0], Some(5));
                asked.push(id);
            }
            1 if !asked.is_empty() => {
                let target = rng.choice(&asked).unwrap().clone();
                desk.executor.cancel_one(now(), &id, &target);
                asked.push(id);
            }
            _ => {
                let wanted = batch(&id, mode, on_error, &services);
                let ids: Vec<_> = wanted.commands.iter().map(|one| one.id().to_owned()).collect();
                if desk.batch(Batch { timeout: Some(rng.u64(1..90)), ..wanted }) == 0 {
                    asked.extend(ids);
                }
                asked.push(id);
            }
        }
        if rng.bool() {
            settle().await;
        }
        if rng.u8(..6) == 0 {
            tokio::time::sleep(Duration::from_secs(rng.u64(1..40))).await;
        }
        answers.extend(desk.told_so_far());
    }
    if rng.bool() {
        desk.executor.close();
        desk.executor.cancel();
    }
    desk.executor.idle().await;
    settle().await;
    answers.extend(desk.told_so_far());
    let mut ids: Vec<_> = answers.into_iter().map(|(id, _)| id).collect();
    ids.sort();
    asked.sort();
    assert_eq!(ids, asked, "seed {seed}");
    assert_eq!(desk.executor.in_flight(), 0);
}

/// The replay window may be shorter than a batch.
#[tokio::test(start_paused = true)]
async fn the_id_of_an_answered_command_stays_taken_as_long_as_its_batch_is_in_flight() {
    let limits = Limits { replay_window_secs: 10, ..Limits::default() };
    let mut desk = PackageSession::new(CommandSettings { limits, ..CommandSettings::default() }, false);
    let _ = desk.sequence("b", &["x", "hangs"]);
    assert_eq!(desk.told(1).await, owned(&[("b1", "ok")]));
    settle().await;
    let later = Now { mono: now().mono + Duration::from_secs(11), ..now() };
    let BatchCommand::Safe(again) = control("b1", "x", None) else { panic!("another kind of command") };
    desk.executor.submit(later, HostMessage::SafeCommand(again));
    let other = batch("b", Mode::Sequential, OnError::Stop, &["x"]);
    assert_eq!(desk.executor.submit_batch(later, Batch { id: "o".into(), ..other }, None), 1);
    assert_eq!(desk.told_so_far(), owned(&[("b1", "DUPLICATE_ID"), ("o", "DUPLICATE_ID")]));
    let expected = [("b2", "TIMEOUT"), ("b", "b1=ok b2=TIMEOUT")];
    assert_eq!(desk.told(2).await, owned(&expected));
}
