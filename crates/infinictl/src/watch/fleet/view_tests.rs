//! The screen, character by character, out of made-up machines.

use super::super::model::Link;
use super::super::theme::Theme;
use super::keys::Key;
use super::model::{Model, Order};
use super::view::{draw, list_rows};
use crate::hub::Table;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::time::Instant;

const NOW_MS: u64 = 1_796_055_638_457;

fn machine(n: u64) -> Value {
    let figures = json!({
        "cpu": (n * 7 % 60) as f64 / 100.0, "cpus": 4, "memory": (n * 13 % 80) as f64 / 100.0,
        "disk": (n * 11 % 84) as f64 / 100.0, "fullest": "/", "load": [(n % 7) as f64 * 0.3, 0.1, 0.0],
        "address": format!("10.0.{}.{}", n / 250, n % 250 + 1), "failed_services": 0,
    });
    let agent = json!({"version": "0.1.0", "os": "Debian GNU/Linux 12 (bookworm)"});
    json!({"name": format!("web-{n:03}"), "state": "up", "heard_ms": NOW_MS - 1000 * (n % 30), "agent": agent, "figures": figures})
}

fn machines() -> Vec<Value> {
    let mut all: Vec<_> = (0..60).map(machine).collect();
    all[7]["figures"]["failed_services"] = 2.into();
    all[9]["figures"]["disk"] = 0.97.into();
    all[9]["figures"]["fullest"] = "/var/lib/postgresql".into();
    all[11]["figures"]["load"] = json!([19.0, 8.0, 4.0]);
    all[11]["figures"]["memory"] = 0.96.into();
    all[13]["state"] = "silent".into();
    all[13]["heard_ms"] = (NOW_MS - 900_000).into();
    all[15]["figures"]["load"] = Value::Null;
    all.push(json!({"name": "a-name-that-is-far-longer-than-its-column-is-wide", "state": "unserved"}));
    all.push(json!({"name": "off", "state": "down", "reason": "there is no such socket", "heard_ms": NOW_MS - 90_000_000}));
    all.push(json!({"name": "new", "state": "opening"}));
    all
}

fn model_of(vms: &[Value]) -> (Model, Instant) {
    let (mut model, now) = (Model::new(Order::Hurt, ""), Instant::now());
    let table = json!({"now_ms": NOW_MS, "whole": true, "gone": [], "vms": vms});
    model.take(Table::deserialize(&table).unwrap(), now);
    (model, now)
}

fn screen(model: &mut Model, now: Instant, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    model.has_rows(list_rows(height));
    terminal.draw(|frame| draw(frame, model, Theme::default(), now)).unwrap();
    terminal
        .backend()
        .to_string()
        .lines()
        .map(|line| line.trim_matches('"').trim_end().to_owned() + "\n")
        .collect()
}

/// Compares with what was looked at and kept; `UPDATE_SNAPSHOTS=1` keeps the new one, to be looked at.
fn matches(name: &str, shown: &str) {
    let path = format!("{}/src/watch/fleet/snapshots/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, shown).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(shown == kept, "{name} shows\n{shown}\nand not\n{kept}");
}

#[test]
fn all_machines_on_80_by_24() {
    let (mut model, now) = model_of(&machines());
    matches("live_80x24", &screen(&mut model, now, 80, 24));
}

#[test]
fn a_large_screen_shows_addresses_systems_and_versions() {
    let (mut model, now) = model_of(&machines());
    matches("live_200x50", &screen(&mut model, now, 200, 50));
}

#[test]
fn a_filter_is_seen_while_it_is_typed() {
    let (mut model, now) = model_of(&machines());
    for key in [Key::Filter, Key::Type('0'), Key::Type('0')] {
        model.key(key);
    }
    matches("filter_80x24", &screen(&mut model, now, 80, 24));
}

#[test]
fn a_hub_that_went_away_is_told_and_its_machines_stay() {
    let (mut model, now) = model_of(&machines());
    model.link = Link::Down("cannot reach infinihub".into());
    let shown = screen(&mut model, now, 80, 24);
    assert!(shown.contains("✗ no hub") && shown.contains("retrying: cannot reach infinihub"), "\n{shown}");
    assert!(shown.contains("web-013"));
}

#[test]
fn an_empty_table_says_why() {
    let (mut model, now) = model_of(&[]);
    assert!(screen(&mut model, now, 80, 24).contains("the hub has no machines"));
    let shown = screen(&mut Model::new(Order::Hurt, ""), now, 80, 24);
    assert!(shown.contains("waiting for the hub"), "\n{shown}");
    let (mut model, now) = model_of(&machines());
    for key in [Key::Filter, Key::Type('~'), Key::Enter] {
        model.key(key);
    }
    assert!(screen(&mut model, now, 80, 24).contains("no machine is like this"));
}

#[test]
fn hostile_machines_draw_nothing_outside_their_cells() {
    let evil = "\u{1b}[2J\u{9b}31m\u{202e}\r\n\u{1f468}\u{200d}";
    let figures = json!({"address": evil, "fullest": evil, "disk": 0.99, "load": [1e300, 0.0, 0.0]});
    let hostile = json!({"name": evil, "state": evil, "reason": evil, "agent": {"os": evil, "version": evil}, "figures": figures});
    let mut up = hostile.clone();
    up["state"] = "up".into();
    let mut down = hostile.clone();
    (down["state"], down["name"]) = ("down".into(), "x".into());
    let (mut model, now) = model_of(&[hostile, up, down]);
    for (width, height) in [(80, 24), (200, 50)] {
        let shown = screen(&mut model, now, width, height);
        assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\r', '\u{200d}']), "\n{shown}");
        assert_eq!(shown.lines().count(), usize::from(height));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_size_and_no_figure_breaks_the_table(
        width in 1_u16..220, height in 1_u16..60, figure in any::<f64>(), cpus in any::<u32>(), moved in any::<i16>(),
    ) {
        let mut machines = machines();
        for machine in &mut machines {
            let figures = &mut machine["figures"];
            if figures.is_object() {
                (figures["cpu"], figures["disk"], figures["cpus"]) = (json!(figure), json!(figure), json!(cpus));
                figures["load"] = json!([figure, figure, figure]);
            }
        }
        let (mut model, now) = model_of(&machines);
        model.key(Key::Move(isize::from(moved)));
        screen(&mut model, now, width, height);
    }
}

#[test]
fn in_a_fleet_each_machine_has_its_hub_and_where_it_was_before_on_any_screen() {
    let (mut model, now) = model_of(&[]);
    let table = json!({"whole": true, "vms": [machine(1), machine(2)]});
    let mut table = Table::deserialize(&table).unwrap();
    table.vms[0].hub = Some("host-1".into());
    table.vms[1].hub = Some("host-2 ← host-1".into());
    model.take(table, now);
    let shown = screen(&mut model, now, 120, 8);
    assert!(shown.lines().nth(1).unwrap().contains("hub"), "{shown}");
    assert!(shown.contains("host-1 ") && shown.contains("host-2 ← host-1"), "{shown}");
    let narrow = screen(&mut model, now, 80, 8);
    assert!(narrow.contains("host-1") && narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    let words = ["host-2".to_owned()];
    assert!(model.machines().filter(|machine| machine.row.has(&words)).count() == 1);
}
