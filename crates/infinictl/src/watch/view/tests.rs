//! The screen, character by character, out of made-up metrics.

use super::*;
use crate::client::{Event, LinkStats};
use crate::watch::model::{Key, Link};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::time::Duration;

const MADE_UP: &str = include_str!("../../../tests/fixtures/made_up_system_metrics.json");

fn model(lines: &[&str]) -> Model {
    let now = Instant::now();
    let mut model = Model::new("the socket /run/vm/agent.sock".into(), Duration::from_secs(2), now);
    for line in lines {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        model.event(&Event::parse(line.to_string(), now));
    }
    model.stats = LinkStats {
        lines: lines.len() as u64,
        recent_pings: lines.iter().map(|_| Some(Duration::from_micros(310))).collect(),
        last_line: (!lines.is_empty()).then_some(now),
        ..LinkStats::default()
    };
    model
}

fn screen(model: &Model, width: u16, height: u16, after: Duration) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, model, Theme::default(), model.began + after)).unwrap();
    terminal
        .backend()
        .to_string()
        .lines()
        .map(|line| line.trim_matches('"').trim_end().to_owned() + "\n")
        .collect()
}

fn live() -> Model {
    let later = MADE_UP.replace("06:45:00", "06:45:02").replace("88123456789", "88154914069");
    let beat = r#"{"type":"keep_alive","sequence_number":12}"#;
    let breaker = r#"{"type":"circuit_breaker_state","state":"Closed","failure_count":0}"#;
    model(&[MADE_UP, beat, breaker, &later])
}

/// Compares with what was looked at and kept; `UPDATE_SNAPSHOTS=1` keeps the new one, to be looked at.
fn matches(name: &str, shown: &str) {
    let path = format!("{}/src/watch/view/snapshots/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, shown).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(shown == kept, "{name} shows\n{shown}\nand not\n{kept}");
}

#[test]
fn a_live_guest_fills_80_by_24() {
    let shown = screen(&live(), 80, 24, Duration::from_secs(1));
    matches("live_80x24", &shown);
}

#[test]
fn a_large_screen_shows_more() {
    let shown = screen(&live(), 140, 40, Duration::from_secs(1));
    matches("live_140x40", &shown);
}

#[test]
fn nothing_from_the_guest_is_said_in_words() {
    let shown = screen(&model(&[]), 80, 24, Duration::from_secs(30));
    matches("waiting_80x24", &shown);
}

#[test]
fn a_guest_that_fell_silent_keeps_its_last_figures_and_says_so() {
    let shown = screen(&live(), 80, 24, Duration::from_secs(90));
    assert!(shown.contains("○ waiting for the guest") && shown.contains("heard 90 s ago"), "\n{shown}");
    assert!(shown.contains("postgres"));
}

#[test]
fn a_lost_connection_is_told_with_its_reason() {
    let mut model = live();
    model.link = Link::Down("the connection ended: the other end closed it".into());
    let shown = screen(&model, 80, 24, Duration::from_secs(1));
    assert!(shown.contains("✗ no connection") && shown.contains("the other end closed it"), "\n{shown}");
}

#[test]
fn scrolling_to_the_end_shows_the_last_process_on_the_last_row() {
    let mut model = live();
    model.rows = list_rows(24, &model);
    model.key(Key::Bottom);
    let shown = screen(&model, 80, 24, Duration::from_secs(1));
    assert!(shown.contains("9-14 of the 14 busiest of 163") && shown.contains("defunct-j…"), "\n{shown}");
}

#[test]
fn a_hostile_guest_draws_nothing_outside_its_cells() {
    let evil = r"\u001b[2J\u009b31m\u202e\r\n";
    let hostile = MADE_UP.replace("postgres", evil).replace("db1", evil).replace("enp1s0", evil);
    let shown = screen(&model(&[&hostile]), 80, 24, Duration::from_secs(1));
    assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\r']), "\n{shown}");
    assert_eq!(shown.lines().count(), 24);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_size_and_no_figure_breaks_the_view(
        width in 1_u16..200, height in 1_u16..60, figure in any::<f64>(), cores in 0_usize..300, scroll in any::<u16>(),
    ) {
        let mut model = live();
        model.scroll = usize::from(scroll);
        if let Some((metrics, _)) = &mut model.metrics {
            let system = &mut metrics.data.system;
            system.cpu.usage_percent = figure;
            system.cpu.cores_usage = vec![figure; cores];
            system.memory.used_kb = u64::MAX;
            system.disk.io_stats.read_bytes_per_sec = figure;
            for disk in &mut system.disk.usage_stats {
                disk.used_gb = figure;
            }
        }
        model.history.push_back(figure);
        screen(&model, width, height, Duration::from_secs(1));
    }
}
