//! A line that only guests send is never answered: two ends that send back what they get would do so for ever.

use super::bench::Bench;
use super::*;
use infiniservice_protocol::parse::GUEST_TYPES;

/// Everything that the port takes comes back, as from a terminal that echoes.
#[test]
fn a_loop_back_ends_in_silence_whatever_began_it() {
    for begin in [
        "garbage",
        r#"{"type":"Reboot","id":"r"}"#,
        r#"{"type":"response","id":"r"}"#,
        r#"{"type":"response","id":"r","data":{"#,
        r#"{"type":"error"}"#,
        r#"{"type":"keep_alive_request","sequence_number":7}"#,
    ] {
        for secret in [None, Some("sixteen letters!")] {
            let mut bench = Bench::new();
            if let Some(secret) = secret {
                bench.link = Link::new(LinkSettings::default(), 1).with_secret(secret);
            }
            bench.event(Event::Timer);
            bench.event(Event::Port(PortEvent::Opened { path: "/dev/pts/1", host: None }));
            bench.say(begin);
            let rounds = std::iter::from_fn(|| {
                let written = bench.written();
                bench.event(Event::Port(PortEvent::Read(written.as_bytes())));
                Some(written.lines().count()).filter(|lines| *lines > 0)
            });
            assert!(rounds.take(100).count() <= 3, "{begin} goes round and round");
        }
    }
}

#[test]
fn lines_of_guests_are_counted_and_logged_once_a_connection_and_are_nothing_for_the_audit() {
    let mut bench = Bench::connected();
    bench.written();
    let mut logged = 0;
    for kind in GUEST_TYPES {
        for _ in 0..100 {
            bench.say(&format!(r#"{{"type":"{kind}","id":"i","sequence_number":1}}"#));
            logged += bench.actions.iter().filter(|action| matches!(action, Action::Log(..))).count();
            assert!(!bench.asked(|action| matches!(action, Action::Refused(_) | Action::Deliver(_))));
        }
    }
    assert_eq!((bench.lines(), logged), (vec![], 1));
    assert_eq!(
        (bench.link.stats().echoed_lines, bench.link.stats().rejected_lines),
        (100 * GUEST_TYPES.len() as u64, 0)
    );
    assert_eq!(bench.link.stats().heartbeats_answered, 0, "our own heartbeat is no answer to itself");
}
