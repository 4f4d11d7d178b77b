//! What hurts about a machine, and which hurts more: one that does not answer, failed services, the fullest file system,
//! the load for each processor, memory.

use super::row::{Figures, Row};
use crate::text::sanitize;
use std::cmp::Ordering;

/// From these on a figure is worth a look, and is bad: ratios, and the load for each processor.
const DISK: [f64; 2] = [0.85, 0.95];
const MEMORY: [f64; 2] = [0.90, 0.95];
const LOAD: [f64; 2] = [2.0, 4.0];
/// Of a machine that tells no load, as on Windows.
const CPU: f64 = 0.95;

/// What it is, the least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Nothing.
    #[default]
    Nothing,
    /// Memory, or the processors of a machine that tells no load, are short.
    Memory,
    /// There is more to do than processors.
    Load,
    /// A file system fills.
    Disk,
    /// Memory is used up.
    NoMemory,
    /// There is far more to do than processors.
    HighLoad,
    /// A file system is full.
    FullDisk,
    /// Services have failed.
    Failed,
    /// It is not connected.
    Down,
    /// It is connected, but nobody there ever spoke.
    Unserved,
    /// Its agent spoke, and does so no more.
    Silent,
}

/// What hurts about one machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hurt {
    /// The worst of it.
    pub kind: Kind,
    /// How bad that is, among machines with the same: a whole number, so that what hardly changed keeps its place.
    figure: u64,
    /// All of it, in words that are fit for a terminal; empty where nothing hurts.
    pub text: String,
}

impl Hurt {
    /// What hurts about this one.
    pub(crate) fn of(row: &Row) -> Self {
        match row.state.as_str() {
            "silent" => Self::whole(Kind::Silent, "the agent says nothing any more"),
            "unserved" => Self::whole(Kind::Unserved, "no agent, or its socket is held"),
            "down" => Self::whole(Kind::Down, row.reason.as_deref().unwrap_or("not connected")),
            _ => row.fresh().map_or_else(Self::default, Self::of_figures),
        }
    }

    fn whole(kind: Kind, text: &str) -> Self {
        Self { kind, figure: 0, text: sanitize::brief(text) }
    }

    fn of_figures(figures: &Figures) -> Self {
        let all = [services(figures), disk(figures), load(figures), memory(figures), cpu(figures)];
        let mut all: Vec<Self> = all.into_iter().flatten().collect();
        all.sort_by(|a, b| b.order(a));
        let text = all.iter().map(|hurt| hurt.text.as_str()).collect::<Vec<_>>().join(", ");
        let fullest = whole(figures.disk.unwrap_or(0.0) * 100.0);
        all.first()
            .map_or(Self { figure: fullest, ..Self::default() }, |worst| Self { text, ..worst.clone() })
    }

    /// Which of two hurts more.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        self.kind.cmp(&other.kind).then(self.figure.cmp(&other.figure))
    }
}

fn services(figures: &Figures) -> Option<Hurt> {
    let count = figures.failed_services;
    let plural = if count == 1 { "service" } else { "services" };
    (count > 0).then(|| Hurt { kind: Kind::Failed, figure: count, text: format!("{count} {plural} failed") })
}

fn disk(figures: &Figures) -> Option<Hurt> {
    let used = figures.disk?;
    let kind = level(used, DISK, Kind::Disk, Kind::FullDisk)?;
    let place = figures.fullest.as_deref().unwrap_or("a file system");
    // A mount point is a guest's to choose, and others stand behind it.
    Some(Hurt {
        kind,
        figure: whole(used * 100.0),
        text: format!("{} {:.0} % full", sanitize::fit(place, 40), used * 100.0),
    })
}

fn load(figures: &Figures) -> Option<Hurt> {
    let load = figures.load_per_cpu()?;
    let kind = level(load, LOAD, Kind::Load, Kind::HighLoad)?;
    Some(Hurt { kind, figure: whole(load), text: format!("load {load:.1} per processor") })
}

fn memory(figures: &Figures) -> Option<Hurt> {
    let used = figures.memory?;
    let kind = level(used, MEMORY, Kind::Memory, Kind::NoMemory)?;
    Some(Hurt { kind, figure: whole(used * 100.0), text: format!("memory {:.0} %", used * 100.0) })
}

fn cpu(figures: &Figures) -> Option<Hurt> {
    let used = figures.cpu.filter(|used| figures.load.is_none() && *used >= CPU)?;
    Some(Hurt {
        kind: Kind::Memory,
        figure: whole(used * 100.0),
        text: format!("processors {:.0} %", used * 100.0),
    })
}

fn level(figure: f64, [warning, bad]: [f64; 2], less: Kind, more: Kind) -> Option<Kind> {
    match figure {
        _ if figure >= bad => Some(more),
        _ if figure >= warning => Some(less),
        _ => None,
    }
}

/// What a guest makes of its figures is its own affair; a place in the order they always have.
fn whole(figure: f64) -> u64 {
    if figure.is_finite() { figure.clamp(0.0, 1e9).round() as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize as _;
    use serde_json::{Value, json};

    fn row(state: &str, figures: &Value) -> Row {
        Row::deserialize(&json!({"name": "x", "state": state, "figures": figures})).unwrap()
    }

    #[test]
    fn what_does_not_answer_hurts_more_than_failed_services_and_these_more_than_any_figure() {
        let rows = [
            row("silent", &json!({})),
            row("unserved", &json!({})),
            row("down", &json!({})),
            row("up", &json!({"failed_services": 3, "disk": 0.1})),
            row("up", &json!({"failed_services": 1, "disk": 0.99})),
            row("up", &json!({"disk": 0.99})),
            row("up", &json!({"disk": 0.96})),
            row("up", &json!({"load": [16.0, 1.0, 1.0], "cpus": 2})),
            row("up", &json!({"memory": 0.97, "disk": 0.94})),
            row("up", &json!({"disk": 0.86})),
            row("up", &json!({"load": [5.0, 1.0, 1.0], "cpus": 2})),
            row("up", &json!({"memory": 0.91})),
            row("up", &json!({"disk": 0.7})),
            row("up", &json!({"disk": 0.3})),
            row("opening", &Value::Null),
        ];
        let hurts: Vec<_> = rows.iter().map(Hurt::of).collect();
        for pair in hurts.windows(2) {
            assert_eq!(pair[0].order(&pair[1]), Ordering::Greater, "{pair:?}");
        }
    }

    #[test]
    fn all_that_hurts_is_told_the_worst_first() {
        let hurt = Hurt::of(&row(
            "up",
            &json!({"failed_services": 1, "disk": 0.97, "fullest": "/var", "memory": 0.93, "load": [9.0, 1.0, 1.0], "cpus": 4}),
        ));
        assert_eq!(hurt.text, "1 service failed, /var 97 % full, load 2.2 per processor, memory 93 %");
        assert_eq!(Hurt::of(&row("up", &json!({"load": [7.9, 0.0, 0.0], "cpus": 4, "disk": 0.5}))).text, "");
        assert_eq!(Hurt::of(&row("up", &json!({"cpu": 0.99, "load": [0.1, 0.0, 0.0], "cpus": 1}))).text, "");
        assert_eq!(Hurt::of(&row("up", &json!({"cpu": 0.99}))).text, "processors 99 %");
    }

    #[test]
    fn old_figures_of_a_machine_that_is_silent_are_no_reason() {
        assert_eq!(Hurt::of(&row("silent", &json!({"disk": 0.99}))).text, "the agent says nothing any more");
    }
}
