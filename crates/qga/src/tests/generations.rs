//! Order, and what a sync or a host that leaves ends.

use super::guest::Guest;
use crate::limits::{MAX_DETACHED_COMMANDS, MAX_QUEUED_REQUESTS, SYNC_TIMEOUT};
use crate::reply::{ExecPid, HostName};
use crate::{Error, Event, FreezeState, PortEvent, Reply, Request};
use std::time::Duration;

const TRIM: &str = "{\"execute\":\"guest-fstrim\"}\n";
const NAME: &str = "{\"execute\":\"guest-get-host-name\"}\n";
const STATUS: &str = "{\"execute\":\"guest-fsfreeze-status\"}\n";
const FREEZE: &str = "{\"execute\":\"guest-fsfreeze-freeze\"}\n";

fn sync(id: i64) -> String {
    format!("{{\"execute\":\"guest-sync\",\"arguments\":{{\"id\":{id}}}}}\n")
}

fn name() -> Reply {
    Reply::HostName(HostName { host_name: "guest-1".to_owned() })
}

#[test]
fn answers_come_in_the_order_of_the_requests() {
    let mut guest = Guest::new();
    guest.send("{\"execute\":\"guest-get-host-name\",\"id\":1}{\"execute\":\"guest-ping\",\"id\":2}");
    assert_eq!((guest.answers().as_str(), guest.running.len()), ("", 1));
    guest.finish(name());
    assert_eq!(
        guest.answers(),
        "{\"return\":{\"host-name\":\"guest-1\"},\"id\":1}\n{\"return\":{},\"id\":2}\n"
    );
}

#[test]
fn a_sync_waits_a_moment_for_what_is_before_it() {
    let mut guest = Guest::new();
    guest.send(&format!("{NAME}{}", sync(5)));
    guest.later(SYNC_TIMEOUT.mul_f64(0.9));
    guest.finish(name());
    assert_eq!(guest.answers(), "{\"return\":{\"host-name\":\"guest-1\"}}\n{\"return\":5}\n");
    assert_eq!(guest.session.next_deadline(), None);
}

#[test]
fn a_sync_overtakes_a_long_command_whose_answer_is_dropped() {
    let mut guest = Guest::new();
    guest.send(TRIM);
    guest.later(Duration::from_secs(60));
    guest.send(&format!("{NAME}{}", sync(6)));
    assert_eq!(guest.session.next_deadline(), Some(guest.now + SYNC_TIMEOUT));
    guest.later(SYNC_TIMEOUT);
    assert_eq!(guest.answers(), "{\"return\":6}\n");
    assert_eq!(guest.running.len(), 1, "what waited before the sync is for nobody");
    guest.finish(Reply::EMPTY);
    assert_eq!(guest.answers(), "");
    assert_eq!((guest.session.stats().overtaken, guest.session.stats().answers_dropped), (2, 1));
}

#[test]
fn reads_run_beside_what_was_overtaken_and_changes_wait_for_it() {
    let mut guest = Guest::new();
    guest.send(&format!("{TRIM}{}", sync(1)));
    guest.later(SYNC_TIMEOUT);
    guest.send(NAME);
    let (token, _) = guest.running.pop().unwrap();
    guest.tell(Event::Finished(token, Ok(name())));
    assert!(guest.answers().ends_with("{\"return\":{\"host-name\":\"guest-1\"}}\n"));
    guest.send("{\"execute\":\"guest-set-time\"}\n");
    assert_eq!(guest.running.len(), 1);
    guest.finish(Reply::EMPTY);
    assert_eq!(guest.running[0].1, Request::SetTime { time: None });
}

#[test]
fn the_status_waits_for_a_freeze_that_was_overtaken() {
    let mut guest = Guest::new();
    guest.send(FREEZE);
    guest.freeze(FreezeState::Freezing);
    guest.send(&format!("{}{STATUS}", sync(1)));
    guest.later(SYNC_TIMEOUT);
    assert_eq!(guest.answers(), "{\"return\":1}\n");
    guest.freeze(FreezeState::Frozen);
    assert_eq!(guest.answers(), "");
    guest.finish(Reply::Int(2));
    assert_eq!(guest.answers(), "{\"return\":\"frozen\"}\n");
}

#[test]
fn a_host_that_comes_anew_gets_nothing_of_the_last_one_s() {
    let mut guest = Guest::new();
    guest.writable = false;
    guest.send("{\"execute\":\"guest-ping\",\"id\":\"old\"}\n");
    guest.send(&format!("{NAME}{NAME}"));
    guest.tell(Event::Port(PortEvent::Wrote(5)));
    guest.tell(Event::Port(PortEvent::HostDisconnected));
    guest.writable = true;
    guest.tell(Event::Port(PortEvent::HostConnected));
    guest.finish(name());
    guest.send(&sync(9));
    assert_eq!(guest.answers(), "{\"return\":9}\n");
    assert!(guest.running.is_empty());
}

#[test]
fn a_freeze_outlives_its_host() {
    let mut guest = Guest::new();
    guest.send(FREEZE);
    guest.freeze(FreezeState::Frozen);
    guest.finish(Reply::Int(2));
    guest.tell(Event::Port(PortEvent::HostDisconnected));
    guest.tell(Event::Port(PortEvent::HostConnected));
    guest.answers();
    guest.send(STATUS);
    assert_eq!(guest.answers(), "{\"return\":\"frozen\"}\n");
}

#[test]
fn commands_that_nobody_waits_for_do_not_pile_up() {
    let mut guest = Guest::new();
    for number in 0..2 * MAX_DETACHED_COMMANDS {
        guest.send(&format!("{NAME}{}", sync(i64::try_from(number).unwrap())));
        guest.later(SYNC_TIMEOUT);
    }
    assert_eq!(guest.session.running(), MAX_DETACHED_COMMANDS);
    assert!(guest.answers().contains("too many earlier commands have not ended"));
    guest.send(FREEZE);
    assert_eq!(guest.session.running(), MAX_DETACHED_COMMANDS + 1, "a thaw must never be refused for that");
}

#[test]
fn requests_wait_unread_behind_so_many() {
    let mut guest = Guest::new();
    guest.send(NAME);
    for _ in 0..MAX_QUEUED_REQUESTS {
        guest.send("{\"execute\":\"guest-ping\"}\n");
    }
    assert_eq!(guest.session.read_room(), 0);
    guest.finish(name());
    assert_eq!(guest.answers().lines().count(), MAX_QUEUED_REQUESTS + 1);
    assert!(guest.session.read_room() > 0);
}

#[test]
fn what_may_leave_no_time_for_answers_is_begun_after_them() {
    let mut guest = Guest::new();
    guest.writable = false;
    guest.send(&format!("{}{{\"execute\":\"guest-shutdown\"}}\n", sync(1)));
    assert!(guest.running.is_empty());
    guest.writable = true;
    guest.write();
    assert_eq!((guest.answers().as_str(), guest.running.len()), ("{\"return\":1}\n", 1));
    guest.finish(Reply::EMPTY);
    assert_eq!(guest.answers(), "");
    guest.send("{\"execute\":\"guest-suspend-ram\",\"id\":3}\n");
    let (token, _) = guest.running.remove(0);
    guest.tell(Event::Finished(token, Err(Error::generic("the suspend failed: Device or resource busy"))));
    assert!(guest.answers().ends_with("Device or resource busy\"},\"id\":3}\n"));
}

#[test]
fn an_end_that_belongs_to_nothing_is_ignored() {
    let mut guest = Guest::new();
    guest.send("{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/true\"}}\n");
    let (token, _) = guest.running[0];
    guest.finish(Reply::ExecPid(ExecPid { pid: 7 }));
    guest.tell(Event::Finished(token, Ok(Reply::EMPTY)));
    assert_eq!(guest.answers(), "{\"return\":{\"pid\":7}}\n");
}
