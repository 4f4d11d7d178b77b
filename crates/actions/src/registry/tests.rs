//! The registry's promises, in simulated time.

use super::*;
use infiniservice_protocol::Limits;
use serde_json::json;

const T0: Duration = Duration::from_secs(100);

fn bounds(max_queued: usize, max_concurrent: usize) -> Bounds {
    Bounds { max_queued, max_concurrent, ..Bounds::from(&Limits::default()) }
}

fn registry(max_queued: usize, max_concurrent: usize) -> Registry {
    Registry::new(bounds(max_queued, max_concurrent))
}

fn request(id: &str, class: Class) -> Request {
    Request { id: id.into(), class, key: None, bytes: 100 }
}

fn read(id: &str, key: &str) -> Request {
    Request { key: Some(key.into()), ..request(id, Class::Read) }
}

fn accept(registry: &mut Registry, request: Request) -> Ticket {
    match registry.admit(T0, request) {
        Admission::Accepted(ticket) => ticket,
        other => panic!("not accepted: {other:?}"),
    }
}

fn answer(id: &str, size: usize) -> Response {
    Response::ok(id, "X", json!({ "text": "x".repeat(size) }))
}

#[test]
fn commands_run_beside_each_other_up_to_the_bound_and_the_next_starts_when_one_ends() {
    let mut registry = registry(10, 2);
    let tickets: Vec<_> =
        (0..3).map(|i| accept(&mut registry, request(&i.to_string(), Class::Read))).collect();
    assert_eq!(registry.start_ready(), tickets[..2]);
    assert!(registry.start_ready().is_empty());
    assert_eq!(registry.finish(tickets[0]), ["0"]);
    assert_eq!(registry.start_ready(), tickets[2..]);
}

#[test]
fn a_full_queue_refuses_and_takes_again_after_an_end() {
    let mut registry = registry(1, 1);
    let first = accept(&mut registry, request("a", Class::Read));
    registry.start_ready();
    accept(&mut registry, request("b", Class::Read));
    assert_eq!(registry.admit(T0, request("c", Class::Read)), Admission::Refused(Refusal::QueueFull));
    registry.finish(first);
    registry.start_ready();
    accept(&mut registry, request("c", Class::Read));
}

#[test]
fn a_queue_of_none_still_runs_what_finds_a_free_place() {
    let mut registry = registry(0, 1);
    accept(&mut registry, request("a", Class::Read));
    registry.start_ready();
    assert_eq!(registry.admit(T0, request("b", Class::Read)), Admission::Refused(Refusal::QueueFull));
}

#[test]
fn waiting_commands_are_bounded_in_bytes_too() {
    let mut registry = Registry::new(Bounds { max_queued_bytes: 150, ..bounds(10, 1) });
    accept(&mut registry, request("a", Class::Read));
    registry.start_ready();
    accept(&mut registry, request("b", Class::Read));
    assert_eq!(registry.admit(T0, request("c", Class::Read)), Admission::Refused(Refusal::QueueFull));
}

#[test]
fn an_id_in_flight_is_refused_queued_running_or_joined() {
    let mut registry = registry(10, 1);
    accept(&mut registry, read("running", "k"));
    registry.start_ready();
    accept(&mut registry, request("queued", Class::Read));
    assert!(matches!(registry.admit(T0, read("joined", "k")), Admission::Joined(_)));
    for id in ["running", "queued", "joined"] {
        assert_eq!(
            registry.admit(T0, request(id, Class::Change)),
            Admission::Refused(Refusal::InFlight),
            "{id}"
        );
    }
}

#[test]
fn an_answered_id_gets_the_same_answer_inside_the_window_and_runs_again_after_it() {
    let mut registry = registry(10, 1);
    let ticket = accept(&mut registry, request("a", Class::Change));
    registry.finish(ticket);
    registry.remember(T0, &answer("a", 10));
    let last = T0 + Duration::from_millis(599_999);
    assert_eq!(
        registry.admit(last, request("a", Class::Change)),
        Admission::Replay(Box::new(answer("a", 10)))
    );
    let later = T0 + Duration::from_secs(600);
    assert!(matches!(registry.admit(later, request("a", Class::Change)), Admission::Accepted(_)));
}

#[test]
fn answers_beyond_the_memory_bound_go_oldest_first_but_their_ids_still_do_not_run_again() {
    let mut registry = Registry::new(Bounds { replay_max_bytes: 2500, ..bounds(10, 1) });
    for id in ["a", "b", "c"] {
        registry.remember(T0, &answer(id, 800));
    }
    assert_eq!(registry.admit(T0, request("a", Class::Change)), Admission::Refused(Refusal::Answered));
    assert!(matches!(registry.admit(T0, request("b", Class::Change)), Admission::Replay(_)));
    assert!(matches!(registry.admit(T0, request("c", Class::Change)), Admission::Replay(_)));
}

#[test]
fn of_four_thousand_answers_of_ten_kilobytes_the_newest_can_be_repeated() {
    let mut registry = registry(10, 1);
    for number in 0..4000 {
        registry.remember(T0, &answer(&number.to_string(), 10_000));
    }
    let kept = |registry: &mut Registry, number: u32| {
        matches!(registry.repeated(T0, &number.to_string()), Some(Admission::Replay(_)))
    };
    assert!((3700..4000).all(|number| kept(&mut registry, number)));
    assert_eq!(registry.repeated(T0, "0"), Some(Admission::Refused(Refusal::Answered)));
}

#[test]
fn equal_reads_in_flight_share_one_execution_and_each_id_waits_for_it() {
    let mut registry = registry(10, 4);
    let ticket = accept(&mut registry, read("a", "ServiceList"));
    registry.start_ready();
    assert_eq!(registry.admit(T0, read("b", "ServiceList")), Admission::Joined(ticket));
    assert!(matches!(registry.admit(T0, read("c", "ProcessList")), Admission::Accepted(_)));
    assert_eq!(registry.finish(ticket), ["a", "b"]);
    assert!(matches!(registry.admit(T0, read("d", "ServiceList")), Admission::Accepted(_)));
}

#[test]
fn ids_that_share_an_execution_are_bounded_as_well() {
    let mut registry = registry(2, 1);
    accept(&mut registry, read("a", "k"));
    for id in ["b", "c"] {
        assert!(matches!(registry.admit(T0, read(id, "k")), Admission::Joined(_)));
    }
    assert_eq!(registry.admit(T0, read("d", "k")), Admission::Refused(Refusal::QueueFull));
}

#[test]
fn package_work_runs_one_at_a_time_and_lets_others_pass() {
    let mut registry = registry(10, 4);
    let first = accept(&mut registry, request("a", Class::Packages));
    let second = accept(&mut registry, request("b", Class::Packages));
    let other = accept(&mut registry, request("c", Class::Change));
    assert_eq!(registry.start_ready(), [first, other]);
    registry.finish(other);
    assert!(registry.start_ready().is_empty());
    registry.finish(first);
    assert_eq!(registry.start_ready(), [second]);
}

#[test]
fn changes_never_take_every_place_so_a_read_still_starts() {
    let mut registry = registry(20, 8);
    for i in 0..8 {
        accept(&mut registry, request(&format!("change {i}"), Class::Change));
    }
    assert_eq!(registry.start_ready().len(), 6);
    let read = accept(&mut registry, request("read", Class::Read));
    assert_eq!(registry.start_ready(), [read]);
}

#[test]
fn a_single_place_serves_changes_too() {
    let mut registry = registry(1, 1);
    let ticket = accept(&mut registry, request("a", Class::Change));
    assert_eq!(registry.start_ready(), [ticket]);
}

#[test]
fn closing_names_the_waiting_ones_and_takes_no_more_but_still_replays() {
    let mut registry = registry(10, 1);
    let running = accept(&mut registry, request("a", Class::Read));
    registry.start_ready();
    let waiting = accept(&mut registry, request("b", Class::Read));
    registry.remember(T0, &answer("old", 1));
    assert_eq!(registry.close(), [waiting]);
    assert_eq!(registry.admit(T0, request("c", Class::Read)), Admission::Refused(Refusal::Closed));
    assert!(matches!(registry.admit(T0, request("old", Class::Read)), Admission::Replay(_)));
    assert_eq!((registry.finish(waiting), registry.finish(running)), (vec!["b".into()], vec!["a".into()]));
    assert_eq!(registry.in_flight(), 0);
}
