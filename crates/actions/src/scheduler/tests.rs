//! The scheduler's promises, in simulated time.

use super::*;
use infiniservice_protocol::Limits;
use serde_json::json;

const T0: Duration = Duration::from_secs(100);

fn bounds(max_queued: usize, max_concurrent: usize) -> Bounds {
    Bounds { max_queued, max_concurrent, ..Bounds::from(&Limits::default()) }
}

fn scheduler(max_queued: usize, max_concurrent: usize) -> Scheduler {
    Scheduler::new(bounds(max_queued, max_concurrent))
}

fn request(id: &str, class: ConcurrencyClass) -> Request {
    Request { id: id.into(), class, key: None, bytes: 100 }
}

fn read(id: &str, key: &str) -> Request {
    Request { key: Some(key.into()), ..request(id, ConcurrencyClass::Read) }
}

fn accept(scheduler: &mut Scheduler, request: Request) -> ExecutionId {
    match scheduler.admit(T0, request) {
        Admission::Accepted(execution) => execution,
        other => panic!("not accepted: {other:?}"),
    }
}

fn answer(id: &str, size: usize) -> Response {
    Response::ok(id, "X", json!({ "text": "x".repeat(size) }))
}

#[test]
fn commands_run_beside_each_other_up_to_the_bound_and_the_next_starts_when_one_ends() {
    let mut scheduler = scheduler(10, 2);
    let executions: Vec<_> =
        (0..3).map(|i| accept(&mut scheduler, request(&i.to_string(), ConcurrencyClass::Read))).collect();
    assert_eq!(scheduler.start_ready(), executions[..2]);
    assert!(scheduler.start_ready().is_empty());
    assert_eq!(scheduler.finish(executions[0]), ["0"]);
    assert_eq!(scheduler.start_ready(), executions[2..]);
}

#[test]
fn a_full_queue_refuses_and_takes_again_after_an_end() {
    let mut scheduler = scheduler(1, 1);
    let first = accept(&mut scheduler, request("a", ConcurrencyClass::Read));
    scheduler.start_ready();
    accept(&mut scheduler, request("b", ConcurrencyClass::Read));
    assert_eq!(
        scheduler.admit(T0, request("c", ConcurrencyClass::Read)),
        Admission::Refused(Refusal::QueueFull)
    );
    scheduler.finish(first);
    scheduler.start_ready();
    accept(&mut scheduler, request("c", ConcurrencyClass::Read));
}

#[test]
fn a_queue_of_none_still_runs_what_finds_a_free_place() {
    let mut scheduler = scheduler(0, 1);
    accept(&mut scheduler, request("a", ConcurrencyClass::Read));
    scheduler.start_ready();
    assert_eq!(
        scheduler.admit(T0, request("b", ConcurrencyClass::Read)),
        Admission::Refused(Refusal::QueueFull)
    );
}

#[test]
fn waiting_commands_are_bounded_in_bytes_too() {
    let mut scheduler = Scheduler::new(Bounds { max_queued_bytes: 150, ..bounds(10, 1) });
    accept(&mut scheduler, request("a", ConcurrencyClass::Read));
    scheduler.start_ready();
    accept(&mut scheduler, request("b", ConcurrencyClass::Read));
    assert_eq!(
        scheduler.admit(T0, request("c", ConcurrencyClass::Read)),
        Admission::Refused(Refusal::QueueFull)
    );
}

#[test]
fn an_id_in_flight_is_refused_queued_running_or_joined() {
    let mut scheduler = scheduler(10, 1);
    accept(&mut scheduler, read("running", "k"));
    scheduler.start_ready();
    accept(&mut scheduler, request("queued", ConcurrencyClass::Read));
    assert!(matches!(scheduler.admit(T0, read("joined", "k")), Admission::Joined(_)));
    for id in ["running", "queued", "joined"] {
        assert_eq!(
            scheduler.admit(T0, request(id, ConcurrencyClass::Change)),
            Admission::Refused(Refusal::InFlight),
            "{id}"
        );
    }
}

#[test]
fn an_answered_id_gets_the_same_answer_inside_the_window_and_runs_again_after_it() {
    let mut scheduler = scheduler(10, 1);
    let execution = accept(&mut scheduler, request("a", ConcurrencyClass::Change));
    scheduler.finish(execution);
    scheduler.remember(T0, &answer("a", 10));
    let last = T0 + Duration::from_millis(599_999);
    assert_eq!(
        scheduler.admit(last, request("a", ConcurrencyClass::Change)),
        Admission::Replay(Box::new(answer("a", 10)))
    );
    let later = T0 + Duration::from_secs(600);
    assert!(matches!(scheduler.admit(later, request("a", ConcurrencyClass::Change)), Admission::Accepted(_)));
}

#[test]
fn answers_beyond_the_memory_bound_go_oldest_first_but_their_ids_still_do_not_run_again() {
    let mut scheduler = Scheduler::new(Bounds { replay_max_bytes: 2500, ..bounds(10, 1) });
    for id in ["a", "b", "c"] {
        scheduler.remember(T0, &answer(id, 800));
    }
    assert_eq!(
        scheduler.admit(T0, request("a", ConcurrencyClass::Change)),
        Admission::Refused(Refusal::ReplayCache)
    );
    assert!(matches!(scheduler.admit(T0, request("b", ConcurrencyClass::Change)), Admission::Replay(_)));
    assert!(matches!(scheduler.admit(T0, request("c", ConcurrencyClass::Change)), Admission::Replay(_)));
}

#[test]
fn of_four_thousand_answers_of_ten_kilobytes_the_newest_can_be_repeated() {
    let mut scheduler = scheduler(10, 1);
    for number in 0..4000 {
        scheduler.remember(T0, &answer(&number.to_string(), 10_000));
    }
    let kept = |scheduler: &mut Scheduler, number: u32| {
        matches!(scheduler.repeated(T0, &number.to_string()), Some(Admission::Replay(_)))
    };
    assert!((3700..4000).all(|number| kept(&mut scheduler, number)));
    assert_eq!(scheduler.repeated(T0, "0"), Some(Admission::Refused(Refusal::ReplayCache)));
}

#[test]
fn equal_reads_in_flight_share_one_execution_and_each_id_waits_for_it() {
    let mut scheduler = scheduler(10, 4);
    let execution = accept(&mut scheduler, read("a", "ServiceList"));
    scheduler.start_ready();
    assert_eq!(scheduler.admit(T0, read("b", "ServiceList")), Admission::Joined(execution));
    assert!(matches!(scheduler.admit(T0, read("c", "ProcessList")), Admission::Accepted(_)));
    assert_eq!(scheduler.finish(execution), ["a", "b"]);
    assert!(matches!(scheduler.admit(T0, read("d", "ServiceList")), Admission::Accepted(_)));
}

#[test]
fn ids_that_share_an_execution_are_bounded_as_well() {
    let mut scheduler = scheduler(2, 1);
    accept(&mut scheduler, read("a", "k"));
    for id in ["b", "c"] {
        assert!(matches!(scheduler.admit(T0, read(id, "k")), Admission::Joined(_)));
    }
    assert_eq!(scheduler.admit(T0, read("d", "k")), Admission::Refused(Refusal::QueueFull));
}

#[test]
fn package_work_runs_one_at_a_time_and_lets_others_pass() {
    let mut scheduler = scheduler(10, 4);
    let first = accept(&mut scheduler, request("a", ConcurrencyClass::Packages));
    let second = accept(&mut scheduler, request("b", ConcurrencyClass::Packages));
    let other = accept(&mut scheduler, request("c", ConcurrencyClass::Change));
    assert_eq!(scheduler.start_ready(), [first, other]);
    scheduler.finish(other);
    assert!(scheduler.start_ready().is_empty());
    scheduler.finish(first);
    assert_eq!(scheduler.start_ready(), [second]);
}

#[test]
fn changes_never_take_every_place_so_a_read_still_starts() {
    let mut scheduler = scheduler(20, 8);
    for i in 0..8 {
        accept(&mut scheduler, request(&format!("change {i}"), ConcurrencyClass::Change));
    }
    assert_eq!(scheduler.start_ready().len(), 6);
    let read = accept(&mut scheduler, request("read", ConcurrencyClass::Read));
    assert_eq!(scheduler.start_ready(), [read]);
}

#[test]
fn a_single_place_serves_changes_too() {
    let mut scheduler = scheduler(1, 1);
    let execution = accept(&mut scheduler, request("a", ConcurrencyClass::Change));
    assert_eq!(scheduler.start_ready(), [execution]);
}

#[test]
fn closing_names_the_waiting_ones_and_takes_no_more_but_still_replays() {
    let mut scheduler = scheduler(10, 1);
    let running = accept(&mut scheduler, request("a", ConcurrencyClass::Read));
    scheduler.start_ready();
    let waiting = accept(&mut scheduler, request("b", ConcurrencyClass::Read));
    scheduler.remember(T0, &answer("old", 1));
    assert_eq!(scheduler.close(), [waiting]);
    assert_eq!(
        scheduler.admit(T0, request("c", ConcurrencyClass::Read)),
        Admission::Refused(Refusal::Closed)
    );
    assert!(matches!(scheduler.admit(T0, request("old", ConcurrencyClass::Read)), Admission::Replay(_)));
    assert_eq!((scheduler.finish(waiting), scheduler.finish(running)), (vec!["b".into()], vec!["a".into()]));
    assert_eq!(scheduler.in_flight(), 0);
}

#[test]
fn other_bounds_hold_at_once_for_who_waits_and_for_what_is_remembered() {
    let mut scheduler = scheduler(10, 1);
    let all: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .map(|id| accept(&mut scheduler, request(id, ConcurrencyClass::Read)))
        .collect();
    assert_eq!(scheduler.start_ready(), all[..1]);
    scheduler.set_bounds(bounds(0, 3));
    assert_eq!(scheduler.start_ready(), all[1..]);
    assert!(matches!(scheduler.admit(T0, request("d", ConcurrencyClass::Read)), Admission::Refused(_)));
    scheduler.finish(all[0]);
    scheduler.remember(T0, &answer("a", 1));
    scheduler.set_bounds(Bounds { replay_window: Duration::from_secs(1), ..bounds(10, 3) });
    let later = T0 + Duration::from_secs(2);
    assert!(matches!(scheduler.admit(later, request("a", ConcurrencyClass::Read)), Admission::Accepted(_)));
}
