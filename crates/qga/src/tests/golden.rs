//! Whole lines, byte for byte, and the life of the port.

use super::guest::Guest;
use crate::limits::MAX_ANSWER_BYTES;
use crate::reply::{ExecStatus, FileRead};
use crate::{Action, Event, PortEvent, Reply, bytes::Bytes};
use infiniservice_link::OpenFailure;

fn said(guest: &Guest) -> Vec<String> {
    guest.actions.iter().map(|action| format!("{action:?}")).collect()
}

#[test]
fn proxmox_reads_two_lines_of_one_write() {
    let mut guest = Guest::new();
    guest.send("{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":12340}}\n{\"execute\":\"guest-ping\",\"arguments\":{}}\n");
    assert_eq!(guest.written(), b"\xff{\"return\":12340}\n{\"return\":{}}\n");
}

#[test]
fn errors_carry_class_text_and_id() {
    let mut guest = Guest::new();
    guest.send("{\"execute\":\"guest-nope\",\"id\":null}{\"execute\":\"guest-sync\",\"arguments\":{\"id\":\"5\"},\"id\":[1,{\"a\":0.5}]}");
    let wanted = "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"The command guest-nope has not been found\"},\"id\":null}\n\
        {\"error\":{\"class\":\"GenericError\",\"desc\":\"Invalid parameter type for 'id', expected: integer\"},\"id\":[1,{\"a\":0.5}]}\n";
    assert_eq!(guest.answers(), wanted);
}

#[test]
fn bytes_stand_in_base64() {
    let mut guest = Guest::new();
    guest.send("{\"execute\":\"guest-file-read\",\"arguments\":{\"handle\":1000}}\n");
    guest.finish(Reply::FileRead(FileRead { count: 2, bytes: Bytes(b"hi".to_vec()), eof: true }));
    assert_eq!(guest.answers(), "{\"return\":{\"count\":2,\"buf-b64\":\"aGk=\",\"eof\":true}}\n");
    guest.send("{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":7}}\n");
    let status = ExecStatus { exited: true, exitcode: Some(0), ..ExecStatus::default() };
    guest.finish(Reply::ExecStatus(status));
    assert_eq!(guest.answers(), "{\"return\":{\"exited\":true,\"exitcode\":0}}\n");
}

#[test]
fn an_answer_that_no_client_could_take_is_an_error_instead() {
    let mut guest = Guest::new();
    guest.send("{\"execute\":\"guest-file-read\",\"arguments\":{\"handle\":1000},\"id\":1}\n");
    let bytes = Bytes(vec![0; MAX_ANSWER_BYTES]);
    guest.finish(Reply::FileRead(FileRead { count: bytes.0.len() as u64, bytes, eof: true }));
    let answers = guest.answers();
    assert!(
        answers.starts_with("{\"error\":{\"class\":\"GenericError\",\"desc\":\"the answer has "),
        "{answers}"
    );
    assert_eq!(guest.session.stats().answers_too_long, 1);
}

#[test]
fn nothing_is_said_unasked() {
    let mut guest = Guest::new();
    guest.tell(Event::Port(PortEvent::HostDisconnected));
    guest.tell(Event::Port(PortEvent::HostConnected));
    guest.later(std::time::Duration::from_secs(86_400));
    assert_eq!((guest.written(), guest.session.next_deadline()), (Vec::new(), None));
}

#[test]
fn the_port_is_opened_again_after_a_failure_and_a_failure_is_told_once() {
    let mut guest = Guest::new();
    assert!(matches!(guest.actions[0], Action::Open), "{:?}", guest.actions);
    guest.actions.clear();
    guest.tell(Event::Port(PortEvent::DeviceGone));
    assert!(matches!(&guest.actions[..], [Action::Close(_)]), "{:?}", guest.actions);
    for _ in 0..2 {
        guest.now = guest.session.next_deadline().unwrap();
        guest.tell(Event::Timer);
        guest.tell(Event::Port(PortEvent::OpenFailed(OpenFailure::Absent)));
    }
    let logs = said(&guest).iter().filter(|action| action.starts_with("Log")).count();
    assert_eq!(logs, 1, "{:?}", guest.actions);
    guest.tell(Event::Port(PortEvent::DevicesChanged));
    assert!(matches!(guest.actions.last(), Some(Action::Open)));
}

#[test]
fn bytes_that_are_read_before_their_host_is_seen_are_answered_once_it_is() {
    let mut guest = Guest::new();
    guest.tell(Event::Port(PortEvent::DeviceGone));
    guest.tell(Event::Port(PortEvent::Opened { path: "port", host: Some(false) }));
    guest.send("{\"execute\":\"guest-ping\"}\n");
    assert_eq!(guest.answers(), "");
    guest.tell(Event::Port(PortEvent::HostConnected));
    assert_eq!(guest.answers(), "{\"return\":{}}\n");
}
