//! What is remembered of askers, and for how long.

use super::*;
use infiniservice_protocol::parse_host_line;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn askers() -> Askers {
    Askers::new(&Limits { replay_window_secs: 600, max_command_timeout_secs: 3600, ..Limits::default() })
}

fn asker(kid: &str) -> Asker {
    Asker { kid: kid.into(), routed: true }
}

fn command(id: &str) -> HostMessage {
    let line = format!(r#"{{"type":"SafeCommand","id":"{id}","command_type":{{"action":"ServiceList"}}}}"#);
    parse_host_line(&line).unwrap()
}

#[test]
fn an_id_is_remembered_while_its_answer_is_owed_and_as_long_as_the_answer_may_be_repeated() {
    let (mut askers, ops) = (askers(), asker("ops"));
    assert_eq!(askers.note(s(0), &command("a"), Some(&ops)), Ok(()));
    assert_eq!(askers.note(s(1), &command("a"), Some(&ops)), Ok(()));
    askers.answered(s(2), "a");
    // The second question is not answered: it may run for as long as a command may.
    assert_eq!(askers.note(s(3000), &command("a"), None), Err(NotTaken::OfAnother));
    askers.answered(s(3000), "a");
    assert_eq!(askers.of("a"), Some(ops));
    assert_eq!(askers.note(s(3700), &command("a"), None), Err(NotTaken::OfAnother));
    assert_eq!(askers.note(s(3721), &command("a"), None), Ok(()));
    assert_eq!(askers.of("a"), None);
}

#[test]
fn what_is_never_answered_is_forgotten_after_the_longest_time_that_a_command_may_take() {
    let mut askers = askers();
    askers.note(s(0), &command("a"), Some(&asker("ops"))).unwrap();
    // A suspended machine lets a command run on: while there is room it is waited for.
    assert_eq!(askers.note(s(800_000), &command("a"), None), Err(NotTaken::OfAnother));
    for n in 0..=MAX_OPEN {
        askers.note(s(800_001), &command(&n.to_string()), Some(&asker("ops"))).unwrap();
    }
    assert_eq!(askers.note(s(800_003), &command("a"), None), Ok(()));
}

#[test]
fn what_was_asked_in_the_open_is_not_answered_sealed_to_who_uses_its_id_later() {
    let (mut askers, ops) = (askers(), asker("ops"));
    assert_eq!(askers.note(s(0), &command("a"), None), Ok(()));
    assert_eq!(askers.note(s(1), &command("a"), None), Ok(()));
    askers.answered(s(1), "a");
    askers.answered(s(1), "a");
    assert_eq!(askers.note(s(2), &command("a"), Some(&ops)), Err(NotTaken::OfAnother));
    assert_eq!(askers.note(s(722), &command("a"), Some(&ops)), Ok(()), "the executor repeats it no more");
}

#[test]
fn questions_in_the_open_leave_room_for_sealed_ones() {
    let mut askers = askers();
    for n in 0..MAX_OPEN {
        askers.note(s(0), &command(&n.to_string()), None).unwrap();
    }
    assert_eq!(askers.note(s(1), &command("more"), None), Err(NotTaken::Full));
    assert_eq!(askers.note(s(1), &command("0"), None), Ok(()), "one that is known takes no room");
    assert_eq!(askers.note(s(1), &command("sealed"), Some(&asker("ops"))), Ok(()));
}

#[test]
fn longer_limits_hold_at_once_and_shorter_ones_forget_nothing_early() {
    let (mut askers, ops) = (askers(), asker("ops"));
    askers.note(s(0), &command("a"), Some(&ops)).unwrap();
    askers.answered(s(0), "a");
    askers.set_limits(&Limits { replay_window_secs: 3600, ..Limits::default() });
    assert_eq!(askers.note(s(3700), &command("a"), None), Err(NotTaken::OfAnother));
    askers.set_limits(&Limits { replay_window_secs: 1, ..Limits::default() });
    assert_eq!(askers.note(s(3710), &command("a"), None), Err(NotTaken::OfAnother));
    assert_eq!(askers.note(s(3721), &command("a"), None), Ok(()));
}

#[test]
fn a_hello_that_is_refused_is_no_turn() {
    let (mut askers, ops) = (askers(), asker("ops"));
    let hello = parse_host_line(r#"{"type":"Hello","id":"h"}"#).unwrap();
    askers.note(s(0), &hello, Some(&ops)).unwrap();
    askers.note(s(0), &hello, None).unwrap();
    assert_eq!((askers.of_hello(), askers.of_hello()), (Some(ops), None));
}

#[test]
fn a_batch_is_remembered_with_all_its_commands() {
    let mut askers = askers();
    let line =
        r#"{"type":"Batch","id":"b","commands":[{"type":"UnsafeCommand","id":"c","raw_command":"id"}]}"#;
    askers.note(s(0), &parse_host_line(line).unwrap(), Some(&asker("ops"))).unwrap();
    for id in ["b", "c"] {
        assert_eq!(askers.note(s(0), &command(id), None), Err(NotTaken::OfAnother), "{id}");
    }
}

#[test]
fn where_too_many_are_remembered_no_more_are_taken_and_none_is_forgotten_early() {
    let (mut askers, ops) = (askers(), asker("ops"));
    for n in 0..MAX_IDS {
        askers.note(s(0), &command(&n.to_string()), Some(&ops)).unwrap();
        askers.answered(s(0), &n.to_string());
    }
    assert_eq!(askers.note(s(1), &command("more"), Some(&ops)), Err(NotTaken::Full));
    assert_eq!(askers.note(s(1), &command("0"), None), Err(NotTaken::OfAnother));
    assert_eq!(askers.note(s(721), &command("more"), Some(&ops)), Ok(()));
    assert!(askers.bytes() < 1000, "{}", askers.bytes());
}

#[test]
fn a_stream_belongs_to_the_first_who_asked_and_ends_with_the_host() {
    let (mut askers, ops) = (askers(), asker("ops"));
    askers.note(s(0), &command("a"), Some(&ops)).unwrap();
    askers.subscribed(1, "a");
    askers.subscribed(1, "plain");
    askers.subscribed(2, "plain");
    askers.subscribed(2, "a");
    assert_eq!((askers.of_subscription(1), askers.of_subscription(2)), (Some(Some(ops.clone())), Some(None)));
    // One that is prolonged outlives any number of short ones.
    for number in 3..100 {
        askers.subscribed(number, "plain");
        askers.subscribed(1, "a");
    }
    assert_eq!((askers.of_subscription(1), askers.of_subscription(2)), (Some(Some(ops)), None));
    askers.disconnect();
    assert_eq!(askers.of_subscription(1), None);
}
