//! A repeated id: it never runs again, and never looks as if it had not run.

use super::*;

fn safe(id: &str) -> HostMessage {
    let (action, params) = ("ServiceControl".to_owned(), serde_json::Map::new());
    HostMessage::SafeCommand(SafeCommand { id: id.into(), action, params, timeout: None, progress: false })
}

fn is_known(response: &Response) -> bool {
    response.error_code == Some(ErrorCode::DuplicateId) && response.data == json!({"already_answered": true})
}

#[tokio::test(start_paused = true)]
async fn a_thousand_repeats_that_nobody_reads_are_the_same_answer_or_say_that_it_was_answered() {
    let mut desk = PackageSession::open();
    desk.control("change", "works", None);
    let first = desk.answer().await;
    for _ in 0..1000 {
        desk.control("change", "works", None);
    }
    let repeats: Vec<Response> = std::iter::from_fn(|| desk.replies.try_recv().ok()).map(response).collect();
    assert_eq!(repeats.len(), 1000);
    assert!(repeats.iter().all(|repeat| *repeat == first || is_known(repeat)));
    let same = repeats.iter().filter(|repeat| **repeat == first).count();
    assert!((1..100).contains(&same), "{same}: replays may be megabytes each, and must not pile up");
    assert_eq!(desk.machine.begun.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn without_room_a_known_id_is_told_so_and_only_a_new_one_is_queue_full() {
    let mut desk = PackageSession::gated(Limits::default());
    desk.control("answered", "works", None);
    desk.answer().await;
    desk.list("flying");
    settle().await;
    let turned_away = |id| desk.executor.turn_away(now(), safe(id)).unwrap();
    assert!(is_known(&turned_away("answered")));
    let flying = turned_away("flying");
    assert_eq!((flying.error_code, flying.data), (Some(ErrorCode::DuplicateId), json!({})));
    assert_eq!(turned_away("new").error_code, Some(ErrorCode::QueueFull));
    let last = desk.records.0.lock().unwrap().last().cloned().unwrap();
    assert_eq!((last.id.as_str(), last.code), ("new", Some(ErrorCode::QueueFull)), "it is recorded");
    desk.release();
    assert!(desk.answer().await.success, "what was in flight goes on");
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_does_not_make_a_repeat_look_new() {
    let limits = Limits { max_queued_commands: 0, max_concurrent_commands: 1, ..Limits::default() };
    let mut desk = PackageSession::gated(limits);
    desk.control("change", "works", None);
    let first = desk.answer().await;
    desk.list("holds the only place");
    settle().await;
    desk.control("change", "works", None);
    assert_eq!(desk.answer().await, first);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_changes_while_a_command_waits_holds_for_it() {
    let limits = Limits { max_concurrent_commands: 1, ..Limits::default() };
    let mut desk = PackageSession::gated(limits.clone());
    desk.list("first");
    desk.control("waits", "works", None);
    settle().await;
    let blocked_actions = vec!["ServiceControl".to_owned()];
    desk.executor.reload(&CommandSettings { limits, blocked_actions, ..CommandSettings::default() });
    desk.release();
    assert!(desk.answer().await.success, "what runs goes on");
    let refused = desk.answer().await;
    assert_eq!((refused.id.as_str(), refused.error_code), ("waits", Some(ErrorCode::ActionBlocked)));
    assert_eq!(desk.machine.begun.load(Ordering::SeqCst), 0);
}
