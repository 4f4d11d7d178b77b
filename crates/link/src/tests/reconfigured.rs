//! Settings that change while the link runs.

use super::bench::Bench;
use super::*;
use infiniservice_protocol::envelope::Signer;
use infiniservice_protocol::limits::Limits;

fn other() -> LinkSettings {
    LinkSettings {
        keep_alive_interval: Duration::from_secs(3),
        keep_alive_timeout: Duration::from_secs(7),
        min_backoff: Duration::from_secs(1),
        max_backoff: Duration::from_secs(2),
        connection_timeout: Duration::from_secs(4),
        validate_connection: true,
        compression: false,
        breaker: BreakerSettings { failure_threshold: 1, ..BreakerSettings::default() },
        limits: Limits { outbox_max_bytes: 1 << 20, max_line_bytes: 4096, ..Limits::default() },
    }
}

fn reconfigured(mut bench: Bench) -> Bench {
    let now = bench.clock();
    bench.link.reconfigure(now, other());
    bench
}

#[test]
fn heartbeats_follow_the_new_interval_and_their_answers_the_new_timeout() {
    let mut bench = reconfigured(Bench::connected());
    bench.written();
    bench.wait(3.0);
    bench.event(Event::Timer);
    assert_eq!(kinds(&bench.lines()), ["keep_alive"]);
    bench.wait(4.5);
    assert!(bench.event(Event::Timer).iter().any(|action| matches!(action, Action::Close(_))));
}

#[test]
fn one_failure_opens_the_breaker_whose_threshold_was_lowered_to_one() {
    let mut bench = reconfigured(Bench::connected());
    bench.event(Event::Port(PortEvent::IoFailed("broken pipe".into())));
    assert_eq!(bench.link.breaker_state(), infiniservice_protocol::guest::BreakerState::Open);
}

#[test]
fn an_outbox_that_became_smaller_keeps_what_waits_and_takes_no_more_commands_than_fit() {
    let mut bench = Bench::connected();
    let mut taken = 0;
    while bench.link.has_room() && taken < 20 {
        bench.say(&COMMAND.replace("c1", &format!("c{taken}")));
        taken += 1;
    }
    assert_eq!(taken, 20);
    let mut bench = reconfigured(bench);
    assert!(!bench.link.has_room());
    for n in 0..taken {
        bench.respond(&format!("c{n}"));
    }
    let answers = kinds(&bench.lines()).into_iter().filter(|kind| *kind == "response").count();
    assert_eq!(answers, taken);
    assert!(bench.link.has_room());
}

#[test]
fn the_lengths_of_lines_stay() {
    let bench = reconfigured(Bench::connected());
    let limits = &bench.link.settings().limits;
    assert_eq!((limits.max_line_bytes, limits.outbox_max_bytes), (1 << 20, 1 << 20));
}

#[test]
fn a_changed_secret_holds_at_once_and_takes_no_line_again() {
    const OLD: &str = "the first secret";
    const NEW: &str = "the second secret";
    let mut bench = Bench::connected();
    bench.link = Link::new(LinkSettings::default(), 1).with_secret(OLD);
    bench.event(Event::Port(PortEvent::Opened { path: "p", host: Some(true) }));
    let takes = |bench: &mut Bench, secret: &str, ts: u64| {
        bench.say(&Signer::new(secret).sign(ts, &format!("n{ts}"), r#"{"type":"Hello"}"#));
        bench.asked(|action| matches!(action, Action::Deliver(_)))
    };
    let ms = 1_700_000_000_000;
    assert!(takes(&mut bench, OLD, ms) && !takes(&mut bench, NEW, ms + 1));
    bench.link.change_secret(NEW);
    assert!(takes(&mut bench, NEW, ms + 2) && !takes(&mut bench, OLD, ms + 3));
    bench.link.change_secret(OLD);
    assert!(!takes(&mut bench, OLD, ms), "taken again");
    let mut plain = Bench::connected();
    plain.link.change_secret(NEW);
    plain.say(r#"{"type":"Hello"}"#);
    assert!(plain.asked(|action| matches!(action, Action::Deliver(_))), "a secret where there was none");
}
