//! Reads that join one that is in flight already.

use super::*;

/// `until` in milliseconds of the test's clock.
async fn reach(start: tokio::time::Instant, until: u64) {
    tokio::time::sleep_until(start + Duration::from_millis(until)).await;
}

fn list(desk: &PackageSession, start: tokio::time::Instant, id: &str) {
    let command = SafeCommand {
        id: id.into(),
        action: "ProcessList".into(),
        timeout: Some(30),
        params: serde_json::Map::new(),
        progress: false,
    };
    let now = Now { mono: start.elapsed(), ..now() };
    desk.executor.submit(now, HostMessage::SafeCommand(command));
}

/// Who asks late has his own time, though what he joined was asked before.
#[tokio::test(start_paused = true)]
async fn a_read_that_joined_late_has_its_own_time_and_not_what_is_left_of_the_first_ones() {
    let mut desk = PackageSession::gated(Limits::default());
    let start = tokio::time::Instant::now();
    list(&desk, start, "first");
    reach(start, 1).await;
    for (id, at) in [("with it", 10), ("late", 29_000)] {
        reach(start, at).await;
        list(&desk, start, id);
    }
    for id in ["first", "with it"] {
        let answer = desk.answer().await;
        assert_eq!((answer.id.as_str(), answer.error_code), (id, Some(ErrorCode::Timeout)));
        assert_eq!(start.elapsed().as_secs(), 30);
    }
    reach(start, 40_000).await;
    assert_eq!(desk.machine.scans.load(Ordering::SeqCst), 2, "one for the first two, one for the last");
    desk.machine.gate.as_ref().unwrap().add_permits(1);
    let answer = desk.answer().await;
    assert!(answer.success && answer.id == "late", "{answer:?}");
    assert_eq!(desk.executor.in_flight(), 0);
}

/// Nobody is asked for again and again: each gets his own time once.
#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_is_begun_anew_only_for_those_that_joined_it_since() {
    let mut desk = PackageSession::gated(Limits::default());
    let start = tokio::time::Instant::now();
    list(&desk, start, "first");
    reach(start, 20_000).await;
    list(&desk, start, "second");
    for (id, at) in [("first", 30), ("second", 60)] {
        let answer = desk.answer().await;
        assert_eq!((answer.id.as_str(), answer.error_code), (id, Some(ErrorCode::Timeout)));
        assert_eq!(start.elapsed().as_secs(), at);
    }
    assert_eq!((desk.machine.scans.load(Ordering::SeqCst), desk.executor.in_flight()), (2, 0));
}
