//! Whose answer is whose, whatever happens.

use super::*;
use crate::at;
use crate::line::read as said;
use crate::request;
use proptest::prelude::*;
use std::collections::HashSet;

fn command(id: &str) -> String {
    format!(r#"{{"type":"SafeCommand","id":"{id}","command_type":{{"action":"ServiceList"}}}}"#)
}

fn offer(router: &mut Router, client: u64, line: &str) -> Verdict {
    let request = request::read(line).unwrap();
    router.offer(Duration::ZERO, Client(client), line.to_owned(), request)
}

fn answer(router: &mut Router, id: &str) -> Vec<Client> {
    let line =
        format!(r#"{{"type":"response","id":"{id}","success":true,"command_type":"ServiceList","data":[]}}"#);
    router.route(&said(&line, at(0)).unwrap())
}

fn code(verdict: &Verdict) -> Option<ErrorCode> {
    match verdict {
        Verdict::Refuse(rejection) => Some(rejection.code),
        _ => None,
    }
}

#[test]
fn an_answer_goes_to_who_asked_and_to_nobody_else() {
    let mut router = Router::default();
    assert!(matches!(offer(&mut router, 1, &command("a")), Verdict::Send(_)));
    assert!(matches!(offer(&mut router, 2, &command("b")), Verdict::Send(_)));
    assert_eq!(answer(&mut router, "b"), [Client(2)]);
    assert_eq!(answer(&mut router, "b"), []);
    assert_eq!(answer(&mut router, "a"), [Client(1)]);
}

#[test]
fn an_id_that_is_in_flight_or_waits_is_refused_here() {
    let mut router = Router::default();
    for n in 0..=MAX_IN_FLIGHT {
        offer(&mut router, 1, &command(&n.to_string()));
    }
    assert_eq!(router.waiting(), 1);
    for taken in ["0", "8"] {
        assert_eq!(code(&offer(&mut router, 2, &command(taken))), Some(ErrorCode::DuplicateId));
    }
    answer(&mut router, "0");
    assert!(router.next(Duration::ZERO).is_some());
    assert_eq!(offer(&mut router, 2, &command("0")), Verdict::Waits);
}

#[test]
fn what_became_of_a_command_is_told_once_with_who_asked_and_how_long_it_took() {
    let mut router = Router::default();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let traced = command("a").replace(r#""id":"a""#, &format!(r#""id":"a","traceparent":"{parent}""#));
    for line in [traced, command("b"), command("c")] {
        offer(&mut router, 1, &line);
    }
    router.leave(Client(1));
    answer(&mut router, "a");
    let done = router.take_done();
    let sent = &done[0].sent;
    assert_eq!((done.len(), &*sent.id, &*sent.what, sent.client), (1, "a", "ServiceList", Client(1)));
    assert_eq!((done[0].end.code(), sent.trace.as_ref().unwrap().traceparent()), (None, parent));
    answer(&mut router, "a");
    assert!(router.take_done().is_empty());
    router.expire(Duration::from_secs(100_000));
    let ends: Vec<_> = router.take_done().into_iter().map(|done| done.end).collect();
    assert_eq!(ends, [End::Unheard, End::Unheard]);
    offer(&mut router, 2, &command("d"));
    assert_eq!(router.forget_all(), [(Client(2), "d".to_owned())]);
    assert_eq!(router.take_done()[0].end.code(), Some("CANCELLED"));
}

#[test]
fn clients_take_turns_and_one_cannot_fill_the_guest() {
    let mut router = Router::default();
    for n in 0..30 {
        offer(&mut router, 1, &command(&format!("greedy-{n}")));
    }
    offer(&mut router, 2, &command("modest"));
    assert_eq!(router.in_flight(), MAX_IN_FLIGHT);
    answer(&mut router, "greedy-0");
    let first = router.next(Duration::ZERO).unwrap();
    answer(&mut router, "greedy-1");
    let second = router.next(Duration::ZERO).unwrap();
    assert!(first.contains("modest") || second.contains("modest"), "{first} {second}");
    assert_eq!(router.next(Duration::ZERO), None);
}

#[test]
fn more_than_may_wait_is_refused_and_a_cancellation_never_waits() {
    let mut router = Router::default();
    for n in 0..MAX_IN_FLIGHT + MAX_WAITING {
        assert_eq!(code(&offer(&mut router, 1, &command(&n.to_string()))), None);
    }
    assert_eq!(code(&offer(&mut router, 2, &command("late"))), Some(ErrorCode::QueueFull));
    let cancel = r#"{"type":"Cancel","id":"c","target":"0"}"#;
    assert!(matches!(offer(&mut router, 1, cancel), Verdict::Send(_)));
}

#[test]
fn what_a_client_that_has_gone_asked_for_is_for_nobody_but_keeps_its_place() {
    let mut router = Router::default();
    for n in 0..10 {
        offer(&mut router, 1, &command(&n.to_string()));
    }
    router.leave(Client(1));
    assert_eq!((router.in_flight(), router.waiting()), (MAX_IN_FLIGHT, 0));
    assert_eq!(answer(&mut router, "3"), []);
    assert_eq!(router.in_flight(), MAX_IN_FLIGHT - 1);
}

#[test]
fn a_guest_that_never_answers_keeps_no_place_for_ever() {
    let mut router = Router::default();
    let line = r#"{"type":"SafeCommand","id":"x","command_type":{"action":"ServiceList"},"timeout":30}"#;
    offer(&mut router, 1, line);
    router.expire(Duration::from_secs(119));
    assert_eq!(router.in_flight(), 1);
    router.expire(Duration::from_secs(121));
    assert_eq!(router.in_flight(), 0);
}

#[test]
fn another_agent_process_answers_nothing_of_its_predecessor() {
    let mut router = Router::default();
    offer(&mut router, 4, &command("a"));
    offer(&mut router, 4, r#"{"type":"keep_alive_request","sequence_number":5}"#);
    assert_eq!(router.forget_all(), [(Client(4), "a".to_owned())]);
    assert_eq!(router.in_flight(), 0);
}

#[test]
fn pings_hello_and_streams_go_to_who_asked() {
    let mut router = Router::default();
    offer(&mut router, 1, r#"{"type":"keep_alive_request","sequence_number":7}"#);
    offer(&mut router, 2, r#"{"type":"Hello"}"#);
    offer(
        &mut router,
        3,
        r#"{"type":"Subscribe","id":"s","interval_ms":1000,"fields":["system.cpu"],"lease_secs":60}"#,
    );
    assert!(router.pinged(7) && !router.pinged(8));
    let route = |router: &mut Router, line: &str| router.route(&said(line, at(0)).unwrap());
    assert_eq!(route(&mut router, r#"{"type":"keep_alive","sequence_number":7}"#), [Client(1)]);
    let began =
        r#"{"type":"response","id":"s","success":true,"command_type":"Subscribe","data":{"subscription":3}}"#;
    assert_eq!(route(&mut router, began), [Client(3)]);
    assert_eq!(route(&mut router, r#"{"type":"stream","subscription":3}"#), [Client(3)]);
    router.leave(Client(3));
    assert_eq!(route(&mut router, r#"{"type":"stream","subscription":3}"#), []);
}

#[test]
fn sealed_lines_go_to_who_asked_and_leave_the_place_to_others() {
    let mut router = Router::default();
    let sealed = r#"{"type":"sealed","v":1,"kid":"ops","id":"s","enc":"AA==","ct":"AA=="}"#;
    assert!(matches!(offer(&mut router, 2, sealed), Verdict::Send(_)));
    assert_eq!(router.in_flight(), 1);
    let answer = r#"{"type":"sealed","v":1,"to":"ops","id":"s","enc":"AA==","ct":"AA=="}"#;
    for _ in 0..2 {
        assert_eq!(router.route(&said(answer, at(0)).unwrap()), [Client(2)]);
        assert_eq!(router.in_flight(), 0);
    }
    let ends: Vec<_> = router.take_done().into_iter().map(|done| done.end).collect();
    assert!(ends.contains(&End::Sealed) && !ends.contains(&End::Unheard), "{ends:?}");
}

#[test]
fn sealed_questions_without_end_do_not_fill_the_table() {
    let mut router = Router::default();
    for n in 0..3 * MAX_EXPECTED {
        let sealed = format!(r#"{{"type":"sealed","v":1,"kid":"ops","id":"{n}","enc":"AA==","ct":"AA=="}}"#);
        assert!(matches!(offer(&mut router, 2, &sealed), Verdict::Send(_)), "{n}");
        let answer = format!(r#"{{"type":"sealed","v":1,"to":"ops","id":"{n}","enc":"AA==","ct":"AA=="}}"#);
        assert_eq!(router.route(&said(&answer, at(0)).unwrap()), [Client(2)]);
    }
}

#[test]
fn a_command_is_a_clients_own_while_it_waits_and_while_it_runs() {
    let mut router = Router::default();
    for n in 0..=MAX_IN_FLIGHT {
        offer(&mut router, 1, &command(&n.to_string()));
    }
    assert!(router.is_of(Client(1), "0") && router.is_of(Client(1), "8"));
    assert!(!router.is_of(Client(2), "0") && !router.is_of(Client(1), "x"));
}

#[derive(Clone, Debug)]
enum Step {
    Offer(u64, u8),
    Answer(u8),
    Leave(u64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..4_u64, any::<u8>()).prop_map(|(client, id)| Step::Offer(client, id)),
        4 => any::<u8>().prop_map(Step::Answer),
        1 => (0..4_u64).prop_map(Step::Leave),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 0..400)
}

proptest! {
    /// Whatever happens: bounds hold, an answer has one receiver at most, and who got it had asked for it and not left.
    #[test]
    fn each_answer_has_its_asker(steps in steps()) {
        let mut router = Router::default();
        let mut asked: HashSet<(u64, u8)> = HashSet::new();
        for step in steps {
            match step {
                Step::Offer(client, id) => {
                    if code(&offer(&mut router, client, &command(&id.to_string()))).is_none() {
                        asked.insert((client, id));
                    }
                }
                Step::Answer(id) => {
                    for Client(client) in answer(&mut router, &id.to_string()) {
                        prop_assert!(asked.remove(&(client, id)));
                    }
                }
                Step::Leave(client) => {
                    router.leave(Client(client));
                    asked.retain(|(owner, _)| *owner != client);
                }
                Step::Restart => {
                    for (Client(client), id) in router.forget_all() {
                        prop_assert!(asked.remove(&(client, id.parse().unwrap())));
                    }
                }
            }
            while router.next(Duration::ZERO).is_some() {}
            prop_assert!(router.in_flight() <= MAX_IN_FLIGHT && router.waiting() <= MAX_WAITING);
            prop_assert!(router.waiting() == 0 || router.in_flight() == MAX_IN_FLIGHT);
        }
    }
}
