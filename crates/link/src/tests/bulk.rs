//! What goes over the bulk port, and what becomes of it when nobody reads there.

use super::bench::Bench;
use super::*;
use crate::bulk::UNREAD;
use crate::outbox::LARGE_BYTES;
use infiniservice_protocol::guest::{Output, OutputStream};

/// A link with both ports, a host on the first one, and what was asked for of the other.
struct Two {
    bench: Bench,
    asked: Vec<BulkAction>,
}

impl Two {
    fn new() -> Self {
        let mut bench = Bench::new();
        bench.link = bench.link.with_bulk("abc", 1, true);
        bench.event(Event::Timer);
        bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
        bench.written();
        Self { bench, asked: Vec::new() }
    }

    /// The same, and the host reads the bulk port.
    fn open() -> Self {
        let mut two = Self::new();
        two.bulk(PortEvent::Opened { path: "b", host: Some(true) });
        two.bulk_lines();
        two
    }

    fn bulk(&mut self, event: PortEvent<'_>) {
        self.asked.clear();
        let clock = self.bench.clock();
        self.bench.link.bulk().handle(clock, event, &mut self.asked);
    }

    fn timer(&mut self) {
        self.asked.clear();
        let clock = self.bench.clock();
        self.bench.link.bulk().timer(clock, &mut self.asked);
    }

    /// What the bulk port is to take.
    fn waiting(&mut self) -> String {
        let clock = self.bench.clock();
        String::from_utf8(self.bench.link.bulk().pending_write(clock).to_vec()).expect("ASCII")
    }

    /// Lets the bulk port take so many bytes of what waits.
    fn takes(&mut self, count: usize) {
        self.waiting();
        self.bulk(PortEvent::Wrote(count));
    }

    fn bulk_lines(&mut self) -> Vec<Value> {
        let mut out = String::new();
        loop {
            let bytes = self.waiting();
            if bytes.is_empty() {
                break;
            }
            self.bulk(PortEvent::Wrote(bytes.len()));
            out += &bytes;
        }
        out.lines().filter(|line| !line.is_empty()).map(|l| serde_json::from_str(l).expect("JSON")).collect()
    }

    fn answer(&mut self, id: &str, bytes: usize) {
        let response = Response { stdout: "x".repeat(bytes), ..Response::ok(id, "ServiceList", json!({})) };
        self.bench.send(GuestMessage::Response(response));
    }

    fn output(&mut self, id: &str) {
        let (id, stream, text) = (id.to_owned(), OutputStream::Stdout, "piece".to_owned());
        self.bench.send(GuestMessage::Output(Output { id, stream, seq: 1, text, timestamp: None }));
    }

    fn sample(&mut self, seq: u64) {
        self.bench.send(GuestMessage::Stream(Stream { subscription: 1, seq, ..Stream::default() }));
    }

    fn warned(&self) -> bool {
        self.asked.iter().any(|action| matches!(action, BulkAction::Log(log::Level::Warn, _)))
    }
}

#[test]
fn the_port_is_opened_at_once_and_its_first_line_says_whose_it_is() {
    let mut two = Two::new();
    assert_eq!(two.bench.link.bulk_deadline(), Some(Duration::ZERO));
    two.timer();
    assert!(matches!(two.asked[..], [BulkAction::Open]));
    two.bulk(PortEvent::Opened { path: "b", host: Some(false) });
    assert_eq!((two.waiting().as_str(), two.bench.link.bulk_deadline()), ("", None));
    two.bulk(PortEvent::HostConnected);
    assert_eq!(two.waiting(), "\n");
    let lines = two.bulk_lines();
    let start = json!({"type": "channel", "role": "bulk", "instance": "abc"});
    for (name, value) in start.as_object().expect("an object") {
        assert_eq!(&lines[0][name], value);
    }
    assert!(lines.len() == 1 && two.bench.link.uses_bulk());
}

#[test]
fn large_answers_output_and_samples_go_over_the_bulk_port_and_all_else_over_the_first() {
    let mut two = Two::open();
    two.answer("small", 10);
    two.answer("large", LARGE_BYTES);
    two.output("other");
    two.sample(1);
    two.bench.send(GuestMessage::SystemMetrics(SystemMetrics::default()));
    two.bench.say(r#"{"type":"keep_alive_request","sequence_number":7}"#);
    let first = two.bench.lines();
    assert_eq!(kinds(&first), ["response", "keep_alive", "system_metrics"]);
    assert!(!two.bench.link.is_drained());
    let bulk = two.bulk_lines();
    assert_eq!(kinds(&bulk), ["response", "output", "stream"]);
    assert_eq!((bulk[0]["id"].as_str(), first[0]["id"].as_str()), (Some("large"), Some("small")));
    assert!(two.bench.link.is_drained());
}

#[test]
fn without_a_host_on_the_bulk_port_all_goes_over_the_first() {
    let mut two = Two::new();
    two.bulk(PortEvent::Opened { path: "b", host: Some(false) });
    two.answer("large", LARGE_BYTES);
    two.sample(1);
    assert_eq!(kinds(&two.bench.lines()), ["response", "stream"]);
}

#[test]
fn a_bulk_port_that_is_not_read_for_ten_seconds_is_given_up_once_for_the_log_and_taken_up_again() {
    let mut two = Two::open();
    two.answer("torn", LARGE_BYTES);
    two.answer("waits", LARGE_BYTES);
    two.takes(100);
    two.waiting();
    assert_eq!(two.bench.lines(), [Value::Null; 0]);
    let due = two.bench.link.bulk_deadline().expect("a deadline");
    assert_eq!(due, two.bench.now + UNREAD);
    two.bench.now = due;
    two.timer();
    assert!(two.warned());
    let ids: Vec<_> = two.bench.lines().iter().map(|line| line["id"].clone()).collect();
    assert_eq!(ids, ["torn", "waits"], "whole, and each once");
    assert_eq!((two.bench.link.bulk_deadline(), two.waiting().as_str()), (None, "\n"));
    two.answer("now", LARGE_BYTES);
    assert_eq!(two.bench.lines()[0]["id"], "now");
    assert_eq!(kinds(&two.bulk_lines()), ["channel"], "it reads again");
    two.answer("later", LARGE_BYTES);
    assert_eq!(two.bulk_lines()[0]["id"], "later");
    two.sample(1);
    two.waiting();
    two.bench.now += UNREAD;
    two.timer();
    assert!(!two.warned(), "told once");
    assert_eq!(two.bench.link.stats().bulk_falls, 2);
}

#[test]
fn a_host_that_takes_a_byte_now_and_then_is_not_given_up() {
    let mut two = Two::open();
    two.answer("a", LARGE_BYTES);
    for _ in 0..5 {
        two.takes(1);
        two.waiting();
        two.bench.now += UNREAD.mul_f64(0.99);
        two.timer();
    }
    assert!(two.bench.link.uses_bulk());
}

#[test]
fn a_line_that_lacks_only_its_newline_is_not_sent_again_over_the_first_port() {
    let mut two = Two::open();
    two.answer("a", LARGE_BYTES);
    let length = two.waiting().len();
    two.takes(length - 1);
    assert_eq!(two.waiting(), "\n");
    two.bench.now += UNREAD;
    two.timer();
    assert_eq!(two.bench.lines(), [Value::Null; 0]);
    assert_eq!(two.waiting(), "\n", "which completes it");
}

#[test]
fn what_a_host_left_behind_on_the_bulk_port_comes_over_the_first_but_for_what_may_be_lost() {
    for gone in [PortEvent::HostDisconnected, PortEvent::DeviceGone, PortEvent::IoFailed("EIO".into())] {
        let mut two = Two::open();
        two.answer("a", LARGE_BYTES);
        two.takes(20);
        two.answer("b", LARGE_BYTES);
        two.sample(1);
        two.bulk(gone);
        assert_eq!(kinds(&two.bench.lines()), ["response", "response", "stream"]);
        assert!(!two.bench.link.uses_bulk() && two.bench.link.is_drained());
    }
}

#[test]
fn the_bulk_port_is_used_only_while_a_host_reads_the_first_one() {
    let mut two = Two::open();
    two.bench.event(Event::Port(PortEvent::HostDisconnected));
    two.answer("kept", LARGE_BYTES);
    assert_eq!(two.waiting(), "");
    two.bench.event(Event::Port(PortEvent::HostConnected));
    assert_eq!(two.bench.lines()[0]["id"], "kept");
    two.answer("next", LARGE_BYTES);
    assert_eq!(two.bulk_lines()[0]["id"], "next");
}

#[test]
fn a_first_port_that_waits_for_nothing_is_not_called_unread_while_the_bulk_port_is() {
    let mut two = Two::open();
    two.answer("large", LARGE_BYTES);
    two.waiting();
    two.bench.wait(11.0);
    two.bench.event(Event::HealthCheck);
    assert!(!two.bench.asked(|action| matches!(action, Action::Close(_) | Action::QualityChanged { .. })));
}

#[test]
fn where_a_device_cannot_tell_its_host_shows_itself_by_a_byte_and_another_one_by_a_blank_line() {
    let mut two = Two::new();
    two.bulk(PortEvent::Opened { path: "tty", host: None });
    assert_eq!(two.waiting(), "");
    two.bulk(PortEvent::Read(b"\n"));
    assert_eq!(kinds(&two.bulk_lines()), ["channel"]);
    two.bulk(PortEvent::Read(b"noise"));
    assert_eq!(two.waiting(), "");
    two.bulk(PortEvent::Read(b"\n"));
    assert_eq!(kinds(&two.bulk_lines()), ["channel"]);
}

#[test]
fn the_blank_line_with_which_a_host_begins_does_not_begin_its_connection_twice() {
    let mut two = Two::open();
    two.bulk(PortEvent::Read(b"\n"));
    assert_eq!(two.waiting(), "");
    two.bulk(PortEvent::Read(b"\n"));
    assert_eq!(kinds(&two.bulk_lines()), ["channel"], "this one is of another host");
}

#[test]
fn compressed_lines_go_over_the_bulk_port_where_the_host_asked_for_them_on_the_first() {
    let mut two = Two::open();
    two.answer("plain", LARGE_BYTES);
    assert_eq!(kinds(&two.bulk_lines()), ["response"]);
    two.bench.say(r#"{"type":"Hello","accept":["lz4"]}"#);
    two.answer("packed", LARGE_BYTES);
    assert_eq!(kinds(&two.bulk_lines()), ["z"]);
    two.bulk(PortEvent::HostDisconnected);
    two.bulk(PortEvent::HostConnected);
    assert_eq!(kinds(&two.bulk_lines()), ["channel"]);
    two.answer("packed", LARGE_BYTES);
    assert_eq!(kinds(&two.bulk_lines()), ["z"], "as long as the connection of the first port lasts");
    two.bench.event(Event::Port(PortEvent::HostDisconnected));
    two.bench.event(Event::Port(PortEvent::HostConnected));
    two.bench.written();
    two.answer("plain", LARGE_BYTES);
    assert_eq!(kinds(&two.bulk_lines()), ["response"]);
}

#[test]
fn a_port_that_is_not_there_is_looked_for_when_devices_change_and_is_told_once() {
    let mut two = Two::new();
    two.timer();
    two.bulk(PortEvent::OpenFailed(OpenFailure::Absent));
    assert!(matches!(two.asked[..], [BulkAction::Log(log::Level::Debug, _)]));
    assert_eq!(two.bench.link.bulk_deadline(), None);
    two.bulk(PortEvent::DevicesChanged);
    assert!(matches!(two.asked[..], [BulkAction::Open]));
    two.bulk(PortEvent::OpenFailed(OpenFailure::Absent));
    assert!(two.asked.is_empty());
}

#[test]
fn what_a_host_says_on_the_bulk_port_is_heard_by_nobody() {
    let mut two = Two::open();
    let before = two.bench.link.stats().clone();
    two.bulk(PortEvent::Read(format!("{COMMAND}\n").as_bytes()));
    two.bulk(PortEvent::Read(&vec![b'x'; 100_000]));
    assert!(two.asked.is_empty() && two.waiting().is_empty() && two.bench.written().is_empty());
    let after = two.bench.link.stats();
    assert_eq!((after.messages_in, after.rejected_lines), (before.messages_in, before.rejected_lines));
    assert!(two.bench.link.held_bytes() < 100_000);
}

#[test]
fn what_is_sealed_is_sealed_on_the_bulk_port_too_and_where_it_has_to_go_over_the_first() {
    let mut bench = sealed::bench();
    bench.link = bench.link.with_bulk("abc", 1, true);
    let mut two = Two { bench, asked: Vec::new() };
    two.bulk(PortEvent::Opened { path: "b", host: Some(true) });
    assert_eq!(kinds(&two.bulk_lines()), ["channel"]);
    for (id, is_read) in [("c1", true), ("c2", false)] {
        let asks = COMMAND.replace("c1", id);
        sealed::seal(&mut two.bench, sealed::OPS2, &asks);
        two.answer(id, LARGE_BYTES);
        let lines = if is_read {
            two.bulk_lines()
        } else {
            two.takes(100);
            two.waiting();
            two.bench.now += UNREAD;
            two.timer();
            two.bench.lines()
        };
        assert_eq!(kinds(&lines), ["sealed"]);
        let inner = sealed::open(sealed::OPS2, &lines[0]).expect("for this controller");
        assert_eq!((inner["type"].as_str(), inner["id"].as_str()), (Some("response"), Some(id)));
        assert!(sealed::open(sealed::OPS3, &lines[0]).is_none());
    }
}

#[test]
fn a_blank_line_that_is_read_before_its_host_is_seen_is_that_hosts() {
    let mut two = Two::new();
    two.bulk(PortEvent::Opened { path: "b", host: Some(false) });
    two.bulk(PortEvent::Read(b"\n"));
    assert_eq!(two.waiting(), "");
    two.bulk(PortEvent::HostConnected);
    assert_eq!(kinds(&two.bulk_lines()), ["channel"]);
    two.bulk(PortEvent::Read(b"\n"));
    assert_eq!(kinds(&two.bulk_lines()), ["channel"], "of the next one, whose coming was not seen");
}
