//! Machines that move from hub to hub, and machines of one name.

use super::super::super::http::{Scrape, Scraped as _, Unanswered, What};
use super::{World, at, golden};
use infiniservice_hub_core::Exposition;
use infiniservice_hub_core::exposition::Options;

#[test]
fn a_machine_that_moves_is_one_and_the_last_hub_heard_has_it() {
    let mut world = World::of(&["h1", "h2"]);
    world.word(0, "h1", "web", "up");
    world.line(1, "h1", "web");
    world.word(20, "h2", "web", "up");
    assert_eq!(world.up(20), [r#"{vm="web",hub="h1"} 1"#]);
    world.line(25, "h2", "web");
    assert_eq!(world.up(25), [r#"{vm="web",hub="h2"} 1"#]);
    assert_eq!(world.with_figures(25), 1);
    world.gone(27, "h1", "web");
    world.line(55, "h2", "web");
    assert_eq!(world.up(56), [r#"{vm="web",hub="h2"} 1"#]);
    // And back again.
    world.word(60, "h1", "web", "up");
    world.begin_anew();
    world.line(61, "h1", "web");
    assert_eq!(world.up(61), [r#"{vm="web",hub="h1"} 1"#]);
}

#[test]
fn a_machine_that_was_started_elsewhere_after_its_host_died_is_one() {
    let mut world = World::of(&["h1", "h2"]);
    world.word(0, "h1", "web", "up");
    world.line(1, "h1", "web");
    world.pass(2..60, &["h2"]);
    assert_eq!(world.up(60), [r#"{vm="web",hub="h1"} 0"#]);
    world.word(60, "h2", "web", "up");
    assert_eq!(world.up(60), [r#"{vm="web",hub="h2"} 1"#]);
    world.line(70, "h2", "web");
    assert_eq!(world.up(70), [r#"{vm="web",hub="h2"} 1"#]);
}

#[test]
fn a_machine_whose_hub_does_not_have_it_any_more_vanishes_at_once() {
    let mut world = World::of(&["h1"]);
    world.word(0, "h1", "web", "up");
    world.line(1, "h1", "web");
    world.gone(2, "h1", "web");
    assert!(world.up(2).is_empty() && world.with_figures(2) == 0);
    assert_eq!(world.table.own(at(2)).kept_bytes, 0);
}

/// A hub each, `web` of each of which speaks every 30 s.
fn two_of_one_name() -> World {
    let mut world = World::of(&["h1", "h2"]);
    for half in 0..10 {
        let hub = if half % 2 == 0 { "h1" } else { "h2" };
        world.line(half * 15, hub, "web");
        world.pass(half * 15..(half + 1) * 15, &["h1", "h2"]);
    }
    world
}

#[test]
fn two_machines_of_one_name_that_go_on_speaking_are_told_both() {
    let world = two_of_one_name();
    assert_eq!(world.up(150), [r#"{vm="web",hub="h1"} 1"#, r#"{vm="web",hub="h2"} 1"#]);
    assert_eq!(world.series(150, "infini_exporter_vms_claimed_twice"), [" 1"]);
}

#[test]
fn a_scrape_under_others_names_must_say_which_of_two_machines_it_means() {
    let (world, mut text) = (two_of_one_name(), Exposition::default());
    let mut node = |hub: Option<&str>| {
        let hub = hub.map(str::to_owned);
        let scrape = Scrape { what: What::Node("web".into()), hub, options: Options::default() };
        world.table.write(&mut text, at(150), &scrape).map(|()| text.take())
    };
    assert_eq!(node(None), Err(Unanswered::Several(vec!["h1".into(), "h2".into()])));
    assert!(node(Some("h2")).unwrap().contains("\nnode_load1 "));
    assert_eq!(node(Some("h3")), Err(Unanswered::Nothing));
}

#[test]
fn one_hub_one_machine_or_those_of_a_selector_are_told_without_the_exporter() {
    let mut world = World::of(&["h1", "h2"]);
    world.line(1, "h1", "web");
    world.line(1, "h1", "db");
    world.says(1, "h2", "web-2", &golden().replace("Debian GNU/Linux", "Fedora"));
    let mut text = Exposition::default();
    let mut up = |what: What, hub: Option<&str>| {
        let scrape = Scrape { what, hub: hub.map(str::to_owned), options: Options::default() };
        world.table.write(&mut text, at(2), &scrape).unwrap();
        let text = text.take();
        assert!(!text.contains("infini_exporter_"));
        text.matches("\ninfini_vm_up{").count()
    };
    assert_eq!(up(What::All, Some("h1")), 2);
    assert_eq!(up(What::Machine("web".into()), None), 1);
    assert_eq!(up(What::Selected("os=fedora".parse().unwrap()), None), 1);
    assert_eq!(up(What::Selected("name~^web".parse().unwrap()), None), 2);
}
