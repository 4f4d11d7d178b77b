//! Machines, hubs and an engine that say nothing any more.

use super::{World, at};
use infiniservice_hub_core::exporter::Hearing;

#[test]
fn figures_vanish_90_seconds_after_the_last_line_as_on_a_hub() {
    let mut world = World::of(&["h1"]);
    world.line(1, "h1", "web");
    world.line(10, "h1", "web");
    world.pass(10..100, &["h1"]);
    assert_eq!(
        (world.up(99).as_slice(), world.with_figures(99)),
        ([r#"{vm="web",hub="h1"} 1"#.to_owned()].as_slice(), 1)
    );
    world.pass(100..101, &["h1"]);
    assert_eq!(
        (world.up(100).as_slice(), world.with_figures(100)),
        ([r#"{vm="web",hub="h1"} 0"#.to_owned()].as_slice(), 0)
    );
    assert_eq!(world.series(100, "infini_agent_last_line_age_seconds"), [r#"{vm="web",hub="h1"} 90"#]);
}

#[test]
fn a_machine_that_speaks_each_five_minutes_is_not_down_between_its_lines() {
    let mut world = World::of(&["h1"]);
    world.word(0, "h1", "slow", "up");
    for line in 0..5 {
        world.line(line * 300, "h1", "slow");
        world.pass(line * 300..line * 300 + 300, &["h1"]);
    }
    assert_eq!(world.with_figures(1499), 1);
    // One line that is lost is no silence, three are.
    world.pass(1500..2100, &["h1"]);
    assert_eq!(world.with_figures(2099), 1);
    world.pass(2100..2101, &["h1"]);
    assert_eq!(world.with_figures(2100), 0);
}

#[test]
fn what_a_hub_says_of_a_machine_counts_at_once() {
    let mut world = World::of(&["h1"]);
    world.word(0, "h1", "web", "up");
    world.line(1, "h1", "web");
    world.word(5, "h1", "web", "down");
    assert_eq!(
        (world.up(5).as_slice(), world.with_figures(5)),
        ([r#"{vm="web",hub="h1"} 0"#.to_owned()].as_slice(), 0)
    );
    // A word that is later than the line it was before: figures that are fresh are told again.
    world.word(7, "h1", "web", "up");
    assert_eq!(world.with_figures(7), 1);
    world.word(8, "h1", "web", "silent");
    world.line(9, "h1", "web");
    assert_eq!(world.up(9), [r#"{vm="web",hub="h1"} 1"#]);
}

#[test]
fn machines_of_a_hub_that_is_not_heard_are_down_until_it_is() {
    let mut world = World::of(&["h1", "h2"]);
    for hub in ["h1", "h2"] {
        world.word(0, hub, &format!("of-{hub}"), "up");
        world.line(1, hub, &format!("of-{hub}"));
    }
    let news = world.pass(2..32, &["h2"]);
    assert_eq!(news, [("h1".to_owned(), Hearing::Gone)]);
    assert_eq!(world.up(32), [r#"{vm="of-h1",hub="h1"} 0"#, r#"{vm="of-h2",hub="h2"} 1"#]);
    assert!(world.scrape(32).contains(r#"infini_exporter_hub{hub="h1",state="gone"} 1"#));
    world.present(40, "h1", true);
    assert_eq!((world.up(40)[0].as_str(), world.with_figures(40)), (r#"{vm="of-h1",hub="h1"} 1"#, 2));
    // Figures that are too old by then do not come back.
    world.pass(41..200, &["h2"]);
    world.present(200, "h1", true);
    assert_eq!(world.up(200)[0], r#"{vm="of-h1",hub="h1"} 0"#);
    world.line(201, "h1", "of-h1");
    assert_eq!(world.up(201)[0], r#"{vm="of-h1",hub="h1"} 1"#);
}

#[test]
fn machines_of_a_hub_that_is_gone_are_told_for_an_hour_and_are_back_with_it() {
    let mut world = World::of(&["h1"]);
    world.word(0, "h1", "web", "up");
    world.line(1, "h1", "web");
    world.pass(1..3620, &[]);
    assert_eq!(world.up(3620).len(), 1);
    world.pass(3620..3700, &[]);
    assert!(world.up(3700).is_empty());
    world.present(3700, "h1", true);
    assert_eq!(world.up(3700), [r#"{vm="web",hub="h1"} 0"#]);
}

#[test]
fn a_hub_that_tells_no_figures_is_named_once_and_its_machines_are_left_out() {
    let mut world = World::new();
    world.present(0, "h1", false);
    world.word(0, "h1", "web", "up");
    assert_eq!(world.tick(1), [("h1".to_owned(), Hearing::Off)]);
    assert!(world.tick(3).is_empty() && world.up(3).is_empty());
    // It is told again when it changes.
    world.present(10, "h1", true);
    world.line(11, "h1", "web");
    assert_eq!(world.tick(12), [("h1".to_owned(), Hearing::Telling)]);
    assert_eq!(world.up(12).len(), 1);
}

#[test]
fn a_hub_that_is_to_tell_figures_and_tells_none_is_named_after_ten_minutes() {
    let mut world = World::of(&["h1"]);
    assert!(world.pass(0..600, &["h1"]).is_empty());
    assert_eq!(world.pass(600..610, &["h1"]), [("h1".to_owned(), Hearing::Mute)]);
}

#[test]
fn without_the_engine_nobody_is_said_to_be_down_and_after_90_seconds_nothing_is_said_of_anybody() {
    let mut world = World::of(&["h1"]);
    world.word(0, "h1", "web", "up");
    world.line(1, "h1", "web");
    world.table.engine(at(2), false);
    assert!(world.pass(2..80, &[]).is_empty());
    assert_eq!(
        (world.up(80).as_slice(), world.with_figures(80)),
        ([r#"{vm="web",hub="h1"} 1"#.to_owned()].as_slice(), 1)
    );
    world.pass(80..92, &[]);
    assert!(world.up(92).is_empty());
    assert_eq!(world.series(92, "infini_exporter_engine_connected"), [" 0"]);
    // It has its time to be heard again.
    world.table.engine(at(500), true);
    assert!(world.pass(500..520, &[]).is_empty());
    world.line(520, "h1", "web");
    assert_eq!(world.with_figures(520), 1);
}

#[test]
fn a_machine_of_which_no_hub_says_anything_is_forgotten() {
    let mut world = World::of(&["h1"]);
    world.line(1, "h1", "web");
    world.pass(1..601, &["h1"]);
    assert_eq!(world.up(600).len(), 1);
    world.pass(601..602, &["h1"]);
    assert!(world.up(601).is_empty());
    assert_eq!(world.table.own(at(601)).kept_bytes, 0);
}
