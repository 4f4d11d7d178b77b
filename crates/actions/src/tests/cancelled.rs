//! Commands that the host wants no more.

use super::*;

impl PackageSession {
    fn cancel(&self, id: &str, target: &str) {
        self.executor.cancel_one(now(), id, target);
    }

    async fn outcome(&mut self, id: &str) -> (String, Option<ErrorCode>) {
        let answer = self.answer().await;
        assert_eq!((answer.id.as_str(), answer.command_type.as_str()), (id, "Cancel"), "{answer:?}");
        (answer.data["outcome"].as_str().unwrap_or_default().to_owned(), answer.error_code)
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_runs_is_ended_and_answered_before_the_one_who_wanted_that() {
    let mut desk = PackageSession::open();
    desk.control("long", "hangs", Some(60));
    settle().await;
    desk.cancel("x", "long");
    let answer = desk.answer().await;
    assert_eq!((answer.id.as_str(), answer.error_code), ("long", Some(ErrorCode::Cancelled)));
    assert!(answer.error.unwrap().contains("the host"), "not the agent's shutdown");
    assert_eq!(desk.outcome("x").await, ("cancelled".to_owned(), None));
    assert_eq!(desk.executor.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_waits_never_begins() {
    let limits = Limits { max_concurrent_commands: 1, ..Limits::default() };
    let mut desk = PackageSession::new(CommandSettings { limits, ..CommandSettings::default() }, false);
    desk.control("first", "hangs", Some(60));
    desk.control("second", "anything", Some(60));
    settle().await;
    desk.cancel("x", "second");
    assert_eq!(desk.answer().await.error_code, Some(ErrorCode::Cancelled));
    assert_eq!(desk.outcome("x").await.0, "cancelled");
    assert_eq!(desk.machine.begun.load(Ordering::SeqCst), 1);
    desk.cancel("y", "first");
    assert_eq!((desk.answer().await.id.as_str(), desk.outcome("y").await.0.as_str()), ("first", "cancelled"));
}

#[tokio::test(start_paused = true)]
async fn what_was_answered_or_never_asked_is_told_apart() {
    let mut desk = PackageSession::open();
    desk.control("done", "anything", None);
    assert!(desk.answer().await.success);
    desk.cancel("x", "done");
    assert_eq!(desk.outcome("x").await, ("already_answered".to_owned(), None));
    desk.cancel("y", "nobody");
    assert_eq!(desk.outcome("y").await, ("not_found".to_owned(), Some(ErrorCode::NotFound)));
    desk.cancel("x", "nobody");
    assert_eq!(desk.outcome("x").await.0, "already_answered", "a repeated id gets the same answer");
}

#[tokio::test(start_paused = true)]
async fn one_of_two_who_share_a_read_leaves_it_to_the_other() {
    let mut desk = PackageSession::gated(Limits::default());
    desk.list("a");
    desk.list("b");
    settle().await;
    desk.cancel("x", "a");
    let answer = desk.answer().await;
    assert_eq!((answer.id.as_str(), answer.error_code), ("a", Some(ErrorCode::Cancelled)));
    assert_eq!(desk.outcome("x").await.0, "cancelled");
    desk.release();
    let answer = desk.answer().await;
    assert!(answer.success && answer.id == "b", "{answer:?}");
    assert_eq!(desk.machine.scans.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn two_who_want_the_same_end_are_both_answered_and_a_repeated_wish_is_refused() {
    let mut desk = PackageSession::open();
    desk.control("long", "deaf", Some(60));
    settle().await;
    for id in ["x", "y", "x"] {
        desk.cancel(id, "long");
    }
    let mut answers = Vec::new();
    for _ in 0..4 {
        let answer = desk.answer().await;
        answers.push((answer.id, answer.error_code));
    }
    let wanted =
        [("x", Some(ErrorCode::DuplicateId)), ("long", Some(ErrorCode::Cancelled)), ("x", None), ("y", None)];
    assert_eq!(answers, wanted.map(|(id, code)| (id.to_owned(), code)));
}

#[tokio::test(start_paused = true)]
async fn what_the_loop_answers_at_once_is_answered_once_and_the_same_again() {
    let mut desk = PackageSession::open();
    let calls = AtomicUsize::new(0);
    for _ in 0..2 {
        desk.executor.answer_at_once(now(), ("s", "Subscribe", "{}"), None, || {
            calls.fetch_add(1, Ordering::SeqCst);
            CommandOutcome::of(&json!({ "subscription": 1 }))
        });
        assert_eq!(desk.answer().await.data["subscription"], 1);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(desk.records.0.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_comes_after_an_end_was_asked_for_is_read_by_itself() {
    let mut desk = PackageSession::gated(Limits::default());
    desk.list("a");
    settle().await;
    desk.cancel("x", "a");
    desk.list("b");
    desk.list("c");
    settle().await;
    assert_eq!(desk.answers(), [("a".into(), Some(ErrorCode::Cancelled)), ("x".into(), None)]);
    desk.list("d");
    desk.release();
    settle().await;
    assert_eq!(desk.answers(), ["b", "c", "d"].map(|id| (id.to_owned(), None)));
    assert_eq!(desk.machine.scans.load(Ordering::SeqCst), 2, "one that was ended, one for the others");
}

#[tokio::test(start_paused = true)]
async fn the_id_of_one_who_waits_for_an_end_is_in_flight_and_cannot_be_ended() {
    let mut desk = PackageSession::open();
    desk.control("long", "deaf", Some(60));
    settle().await;
    desk.cancel("x", "long");
    desk.list("x");
    assert_eq!(desk.answers(), [("x".into(), Some(ErrorCode::DuplicateId))]);
    desk.cancel("y", "x");
    assert_eq!(desk.outcome("y").await, ("not_found".to_owned(), Some(ErrorCode::NotFound)));
    assert_eq!(desk.answer().await.id, "long");
    assert_eq!(desk.outcome("x").await.0, "cancelled");
    assert_eq!(desk.machine.scans.load(Ordering::SeqCst), 0);
}
