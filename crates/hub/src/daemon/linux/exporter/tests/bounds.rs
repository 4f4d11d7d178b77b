//! Messages that are none, and more of everything than there is room for.

use super::super::table::Bounds;
use super::{World, at, golden};
use infiniservice_fleet::subject;
use infiniservice_hub_core::exporter::Reason;

#[test]
fn garbage_of_any_kind_is_counted_and_hurts_nothing() {
    let mut world = World::of(&["h1"]);
    world.line(1, "h1", "web");
    let good = subject::metrics("h1", "web");
    let long_name = subject::metrics("h1", &"v".repeat(300));
    for (subject, payload, reason) in [
        ("infini.v1.m.h1", b"x".to_vec(), Reason::Subject),
        ("infini.v1.m.h1.web.more", b"x".to_vec(), Reason::Subject),
        ("infini.v1.m._2F._2e", b"x".to_vec(), Reason::Subject),
        (&long_name, b"x".to_vec(), Reason::Subject),
        (&"x".repeat(10_000), b"x".to_vec(), Reason::Subject),
        (&subject::metrics("unknown", "web"), b"x".to_vec(), Reason::Stranger),
        (&good, vec![0; (1 << 20) + 1], Reason::TooLong),
        (&good, Vec::new(), Reason::Wrong),
        (&good, b"garbage of some length".to_vec(), Reason::Wrong),
        (&good, b"\x01\x01\0\0\0garbage".to_vec(), Reason::Wrong),
        (&good, b"\x01\x09\0\0\0garbage".to_vec(), Reason::Gap),
        (&subject::metrics("h1", "new"), b"\x01\x09\0\0\0garbage".to_vec(), Reason::Gap),
        (&subject::metrics("h1", "new"), b"\0\0\0\0\0garbage".to_vec(), Reason::Wrong),
    ] {
        let before = world.dropped(reason);
        world.table.message(at(2), subject, &payload);
        assert_eq!(world.dropped(reason), before + 1, "{subject:.80}");
    }
    let before: u64 = world.table.own(at(2)).dropped.iter().sum();
    world.line(3, "h1", "web");
    assert_eq!(world.table.own(at(3)).dropped.iter().sum::<u64>(), before);
    assert_eq!((world.up(3).len(), world.with_figures(3)), (1, 1));
}

#[test]
fn lines_that_are_none_are_counted_at_their_machine_as_on_a_hub() {
    let mut world = World::of(&["h1"]);
    world.line(1, "h1", "web");
    world.says(2, "h1", "web", "noise \"system_metrics\"");
    world.says(3, "h1", "web", r#"{"type":"response","id":"a","success":true}"#);
    assert_eq!(world.series(3, "infini_agent_malformed_lines_total"), [r#"{vm="web",hub="h1"} 1"#]);
    assert_eq!(world.with_figures(3), 1);
}

#[test]
fn messages_that_were_changed_on_the_way_end_nothing() {
    let (mut world, mut random) = (World::of(&["h1"]), fastrand::Rng::with_seed(7));
    for round in 0..2000 {
        let mut message = world.encoded("h1", "web", &golden());
        for _ in 0..random.usize(0..4) {
            let place = random.usize(0..message.len());
            message[place] = random.u8(..);
        }
        message.truncate(random.usize(0..=message.len() * 2).min(message.len()));
        world.table.message(at(round / 10), &subject::metrics("h1", "web"), &message);
    }
    assert_eq!(world.table.own(at(200)).messages, 2000);
    world.begin_anew();
    world.line(201, "h1", "web");
    assert_eq!(world.with_figures(201), 1);
}

#[test]
fn there_are_no_more_machines_than_there_is_room_for_in_all_and_of_one_hub() {
    let bounds = Bounds { machines: 5, of_hub: 3, ..Bounds::default() };
    let mut world = World::bounded(bounds);
    for hub in ["h1", "h2"] {
        world.present(0, hub, true);
        (0..4).for_each(|n| world.line(1, hub, &format!("{hub}-{n}")));
    }
    let of = |hub: &str| world.up(2).iter().filter(|labels| labels.contains(hub)).count();
    assert_eq!((of("hub=\"h1\""), of("hub=\"h2\""), world.dropped(Reason::NoRoom)), (3, 2, 3));
    // Those that are there go on.
    world.line(3, "h1", "h1-0");
    assert_eq!(world.dropped(Reason::NoRoom), 3);
}

#[test]
fn there_are_no_more_bytes_than_there_is_room_for_and_what_was_there_stays() {
    let line = golden();
    let bounds = Bounds { bytes: line.len() * 3, bytes_of_hub: line.len() * 2, ..Bounds::default() };
    let mut world = World::bounded(bounds);
    for hub in ["h1", "h2"] {
        world.present(0, hub, true);
        (0..3).for_each(|n| world.line(1, hub, &format!("{hub}-{n}")));
    }
    assert_eq!((world.with_figures(2), world.dropped(Reason::NoRoom)), (3, 3));
    assert_eq!(world.table.own(at(2)).kept_bytes, line.len() as u64 * 3);
    world.line(3, "h1", "h1-0");
    assert_eq!(world.dropped(Reason::NoRoom), 3);
}

#[test]
fn a_flood_of_one_hub_is_passed_over_and_the_others_are_read() {
    let mut world = World::of(&["h1", "h2"]);
    // A few kilobytes that are four million.
    let bomb = world.encoded("h1", "web", &"x".repeat(4_000_000));
    assert!(bomb.len() < 4096);
    for _ in 0..1000 {
        world.table.message(at(1), &subject::metrics("h1", "web"), &bomb);
    }
    let read = 1000 - world.dropped(Reason::Flood);
    assert!((100..200).contains(&read), "{read}");
    world.line(1, "h2", "db");
    assert_eq!(world.with_figures(1), 1);
    world.line(10, "h1", "web-2");
    assert_eq!(world.with_figures(10), 2);
}
