//! A host with a dialect of its own: it leads the keep-alive, is silent when it likes, and hears its own words.

use super::bench::Bench;
use super::*;
use crate::dialect::Dialect;
use infiniservice_protocol::envelope::Signer;

#[derive(Debug, Default)]
struct Foreign {
    locked: bool,
}

fn line(kind: &str) -> Line {
    Line::from_iter([("type".to_owned(), kind.into())])
}

impl Dialect for Foreign {
    fn greeting(&self) -> Vec<Line> {
        vec![line("welcome")]
    }

    fn spell(&self, message: &GuestMessage) -> Line {
        let Ok(Value::Object(mut line)) = serde_json::to_value(message) else { panic!() };
        if line["type"] == "system_metrics" {
            line.insert("type".into(), "metrics".into());
        }
        line
    }

    fn is_of_host(&self, kind: &str) -> bool {
        kind == "errand"
    }

    fn is_of_guest(&self, kind: &str) -> bool {
        kind == "welcome"
    }

    fn too_long(&self, _: usize) -> Line {
        line("too_long")
    }

    fn locked(&self) -> Option<&'static str> {
        self.locked.then_some("no secret")
    }

    fn error_period(&self) -> Duration {
        Duration::from_mins(1)
    }
}

fn bench(locked: bool, secret: Option<&str>) -> Bench {
    let mut bench = Bench::new();
    let link = Link::new(LinkSettings::default(), 1).with_dialect(Arc::new(Foreign { locked }));
    bench.link = match secret {
        Some(secret) => link.with_secret(secret),
        None => link,
    };
    bench.event(Event::Timer);
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(false) }));
    bench
}

fn connected(locked: bool) -> Bench {
    let mut bench = bench(locked, None);
    bench.event(Event::Port(PortEvent::HostConnected));
    bench
}

#[test]
fn each_connection_begins_with_the_greeting_before_whatever_waited() {
    let mut bench = bench(false, None);
    bench.respond("kept");
    for _ in 0..2 {
        bench.event(Event::Port(PortEvent::HostConnected));
        assert!(bench.written().starts_with("\n{\"type\":\"welcome\",\"timestamp\":"));
        bench.event(Event::Port(PortEvent::HostDisconnected));
    }
}

#[test]
fn no_heartbeat_is_sent_and_a_silent_host_changes_nothing_for_a_day() {
    let mut bench = connected(false);
    bench.written();
    assert_eq!(bench.link.next_deadline(), Some(Duration::from_secs(1)), "the visit is told");
    bench.run(1);
    assert_eq!(bench.link.next_deadline(), None);
    bench.run(86_400);
    bench.event(Event::HealthCheck);
    assert_eq!((bench.link.quality(), bench.link.stats().reconnections), (Quality::Excellent, 0));
    bench.say(r#"{"type":"keep_alive_request","sequence_number":9,"timestamp":"t"}"#);
    let lines = bench.lines();
    assert_eq!((kinds(&lines), &lines[0]["sequence_number"]), (vec!["keep_alive"], &json!(9)));
}

#[test]
fn metrics_have_the_hosts_name_for_them() {
    let mut bench = connected(false);
    bench.written();
    bench.send(GuestMessage::SystemMetrics(SystemMetrics::default()));
    assert_eq!(kinds(&bench.lines()), ["metrics"]);
}

#[test]
fn its_own_lines_are_delivered_whole_and_only_signed_where_a_secret_is_set() {
    let errand = r#"{"type":"errand","to":"you"}"#;
    let mut bench = connected(false);
    bench.say(errand);
    assert!(bench.asked(|a| matches!(a, Action::DeliverLine(line) if line.contains("you"))));
    let mut bench = self::bench(false, Some("sixteen letters!"));
    bench.event(Event::Port(PortEvent::HostConnected));
    bench.say(errand);
    assert!(!bench.asked(|a| matches!(a, Action::DeliverLine(_))));
    let signed = Signer::new("sixteen letters!").sign(1_700_000_000_000, "n", errand);
    bench.say(signed.trim_end());
    assert!(bench.asked(|a| matches!(a, Action::DeliverLine(line) if line.contains("you"))));
    assert!(bench.asked(|a| matches!(a, Action::NewestSigned(_))));
}

#[test]
fn an_echo_of_its_own_lines_is_not_answered_and_of_errors_one_a_minute_is_sent_for_each_code() {
    let mut bench = connected(false);
    bench.written();
    bench.say(r#"{"type":"welcome"}"#);
    assert_eq!(bench.lines(), [] as [Value; 0]);
    for _ in 0..10 {
        bench.say(r#"{"type":"nonsense"}"#);
        bench.say("noise");
    }
    let lines = bench.lines();
    let codes: Vec<_> = lines.iter().filter_map(|line| line["error_code"].as_str()).collect();
    assert_eq!(codes, ["UNKNOWN_TYPE", "INVALID_JSON"]);
    bench.wait(60.0);
    bench.say("noise");
    assert_eq!(bench.lines().len(), 1);
}

/// A line that only the dialect has.
const ERRAND: &str = r#"{"type":"errand","to":"you"}"#;

#[test]
fn locked_it_answers_pings_and_one_error_a_minute_and_delivers_only_what_the_dialect_has_to_refuse() {
    let mut bench = connected(true);
    bench.written();
    for line in [COMMAND, r#"{"type":"Metrics"}"#, "noise"] {
        bench.say(line);
        assert!(
            !bench.asked(|a| matches!(a, Action::Deliver(_) | Action::DeliverLine(_) | Action::NoRoom(_)))
        );
    }
    assert_eq!(kinds(&bench.lines()), ["error"]);
    bench.say(Signer::new("who knows").sign(1, "n", ERRAND).trim_end());
    assert!(bench.asked(|a| matches!(a, Action::DeliverLine(line) if line == ERRAND)));
    let ping = r#"{"type":"keep_alive_request","sequence_number":3}"#;
    bench.say(ping);
    bench.say(Signer::new("who knows").sign(1, "n", ping).trim_end());
    assert_eq!(kinds(&bench.lines()), ["keep_alive", "keep_alive"]);
}

#[test]
fn a_line_with_a_receipt_waits_for_a_host_and_its_leaving_is_told_and_others_are_for_the_present_host_only() {
    let mut bench = bench(false, None);
    for receipt in [Some(7), None] {
        bench.event(Event::Say(Said { line: line("done"), receipt }));
    }
    bench.event(Event::Port(PortEvent::HostConnected));
    let text = bench.written();
    assert_eq!(text.matches("\"done\"").count(), 1, "{text}");
    assert!(bench.asked(|a| matches!(a, Action::Left(7))));
}

#[test]
fn a_line_that_is_too_long_is_told_in_the_hosts_words() {
    let mut bench = connected(false);
    bench.written();
    bench.say(&format!(r#"{{"type":"errand","x":"{}"}}"#, "x".repeat(1 << 20)));
    assert!(kinds(&bench.lines()).contains(&"too_long"));
}
