//! Settings that change while the executor runs.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_reloaded_policy_holds_for_the_next_command() {
    let mut desk = PackageSession::open();
    let settings = CommandSettings { allowed_actions: Some(vec![]), ..CommandSettings::default() };
    desk.executor.reload(&settings);
    desk.list("a");
    assert_eq!(desk.answer().await.error_code, Some(ErrorCode::ActionBlocked));
    assert!(desk.executor.capabilities().iter().all(|capability| !capability.enabled));
}

#[tokio::test(start_paused = true)]
async fn more_places_for_commands_are_there_at_once_for_those_that_wait() {
    let one = Limits { max_concurrent_commands: 1, ..Limits::default() };
    let mut desk = PackageSession::gated(one);
    desk.list("holds the only place");
    desk.control("waits", "works", None);
    settle().await;
    assert_eq!(desk.machine.begun.load(Ordering::SeqCst), 0);
    let settings = CommandSettings { limits: Limits::default(), ..CommandSettings::default() };
    desk.executor.reload(&settings);
    assert_eq!(desk.answer().await.id, "waits");
    assert_eq!(desk.executor.settings(), settings);
}
