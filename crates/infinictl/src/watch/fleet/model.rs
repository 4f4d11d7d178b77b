//! The table of machines: what is shown of it, and how messages of the hub and keys change that. No clock and no terminal in
//! here.

use super::super::model::Link;
use super::keys::Key;
use crate::hub::{Hurt, Kind, Row, Table};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Longest filter, in characters.
const MAX_FILTER: usize = 100;

/// The order of the machines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Order {
    /// What hurts most first
    #[default]
    Hurt,
    /// By name
    Name,
    /// Fullest file system first
    Disk,
    /// Highest load for each processor first
    Load,
    /// Most of memory in use first
    Memory,
    /// Busiest processors first
    Cpu,
    /// Heard longest ago first
    Heard,
}

impl Order {
    const ALL: [Self; 7] =
        [Self::Hurt, Self::Name, Self::Disk, Self::Load, Self::Memory, Self::Cpu, Self::Heard];

    /// Its name in the line of keys.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Hurt => "what hurts",
            Self::Name => "name",
            Self::Disk => "disk",
            Self::Load => "load",
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Heard => "heard",
        }
    }

    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|order| *order == self).unwrap_or(0);
        Self::ALL.get(at + 1).copied().unwrap_or_default()
    }

    /// What comes first. Equal ones are ordered by name, so that they keep their places.
    pub(crate) fn compare(self, a: &Machine, b: &Machine) -> Ordering {
        let by = |figure: fn(&Row) -> f64| figure(&b.row).total_cmp(&figure(&a.row));
        let first = match self {
            Self::Hurt => b.hurt.order(&a.hurt),
            Self::Name => Ordering::Equal,
            Self::Disk => by(|row| row.fresh().and_then(|figures| figures.disk).unwrap_or(-1.0)),
            Self::Load => by(|row| row.fresh().and_then(crate::hub::Figures::load_per_cpu).unwrap_or(-1.0)),
            Self::Memory => by(|row| row.fresh().and_then(|figures| figures.memory).unwrap_or(-1.0)),
            Self::Cpu => by(|row| row.fresh().and_then(|figures| figures.cpu).unwrap_or(-1.0)),
            Self::Heard => a.row.heard_ms.cmp(&b.row.heard_ms),
        };
        first.then_with(|| a.row.name.cmp(&b.row.name))
    }
}

/// A machine, and what hurts about it.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) row: Row,
    pub(crate) hurt: Hurt,
}

impl From<Row> for Machine {
    fn from(row: Row) -> Self {
        Self { hurt: Hurt::of(&row), row }
    }
}

/// The words of a filter, in small letters.
pub(crate) fn words(filter: &str) -> Vec<String> {
    filter.split_whitespace().map(str::to_lowercase).collect()
}

/// What the loop is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Go on.
    Stay,
    /// Leave.
    Leave,
    /// Show this machine.
    Open(String),
}

/// The table.
#[derive(Debug)]
pub(super) struct Model {
    machines: BTreeMap<String, Machine>,
    /// Names of those that are shown, in their order.
    shown: Vec<String>,
    /// The machine that is marked; without one it is the first, whichever that is.
    marked: Option<String>,
    /// The hub's clock, in milliseconds since 1970, and when it said so.
    clock: Option<(u64, Instant)>,
    /// Whether the hub answers.
    pub link: Link,
    pub order: Order,
    pub reversed: bool,
    pub only_hurting: bool,
    pub filter: String,
    pub typing: bool,
    /// Whether machines keep their places, whatever their figures do.
    pub held: bool,
    /// What came to pass when a machine was to be shown.
    pub notice: Option<String>,
    /// The first row in view.
    pub scroll: usize,
    /// How many rows are in view; the screen tells.
    pub rows: usize,
}

impl Model {
    /// Nothing known yet.
    pub(super) fn new(order: Order, filter: &str) -> Self {
        Self {
            machines: BTreeMap::new(),
            shown: Vec::new(),
            marked: None,
            clock: None,
            link: Link::Up,
            order,
            reversed: false,
            only_hurting: false,
            filter: filter.chars().take(MAX_FILTER).collect(),
            typing: false,
            held: false,
            notice: None,
            scroll: 0,
            rows: 1,
        }
    }

    /// Takes what the hub sent.
    pub(super) fn take(&mut self, table: Table, now: Instant) {
        self.link = Link::Up;
        self.clock = Some((table.now_ms, now));
        if table.whole {
            self.machines.clear();
        }
        for name in &table.gone {
            self.machines.remove(name);
        }
        self.machines.extend(table.vms.into_iter().map(|row| (row.name.clone(), row.into())));
        if !self.held {
            self.arrange();
        }
    }

    /// Whether the hub has told of its machines.
    pub(super) fn is_known(&self) -> bool {
        self.clock.is_some()
    }

    /// Does what a key asks for.
    pub(super) fn key(&mut self, key: Key) -> Next {
        self.notice = None;
        match key {
            Key::Enter if self.typing => self.typing = false,
            Key::Enter => return self.marked().map_or(Next::Stay, |name| Next::Open(name.to_owned())),
            Key::Escape if self.typing || !self.filter.is_empty() => {
                self.typing = false;
                self.filter.clear();
                self.arrange();
            }
            Key::Interrupt | Key::Quit | Key::Escape => return Next::Leave,
            Key::Move(rows) => self.mark(self.place().saturating_add_signed(rows)),
            Key::Page(pages) => {
                let rows = isize::try_from(self.rows).unwrap_or(1).saturating_mul(pages);
                self.mark(self.place().saturating_add_signed(rows));
            }
            Key::Top => self.mark_first(),
            Key::Bottom => self.mark(usize::MAX),
            change => self.change(change),
        }
        Next::Stay
    }

    /// Does what changes the choice or the order of the machines.
    fn change(&mut self, key: Key) {
        match key {
            Key::Filter => self.typing = true,
            Key::Type(character) if self.filter.chars().count() < MAX_FILTER => self.filter.push(character),
            Key::Erase => drop(self.filter.pop()),
            Key::Order => {
                self.order = self.order.next();
                self.reversed = false;
                self.mark_first();
            }
            Key::Reverse => self.reversed = !self.reversed,
            Key::Hurting => self.only_hurting = !self.only_hurting,
            Key::Hold => self.held = !self.held,
            _ => {}
        }
        self.arrange();
    }

    fn arrange(&mut self) {
        let words = words(&self.filter);
        let is_meant = |machine: &&Machine| {
            machine.row.has(&words) && (!self.only_hurting || machine.hurt.kind != Kind::Nothing)
        };
        let mut meant: Vec<&Machine> = self.machines.values().filter(is_meant).collect();
        meant.sort_by(|a, b| self.order.compare(a, b));
        if self.reversed {
            meant.reverse();
        }
        self.shown = meant.iter().map(|machine| machine.row.name.clone()).collect();
        if self.marked.as_ref().is_some_and(|name| !self.shown.contains(name)) {
            self.marked = None;
        }
        self.keep_in_view();
    }

    /// Those that are shown, in their order.
    pub(super) fn shown(&self) -> impl ExactSizeIterator<Item = Option<&Machine>> {
        self.shown.iter().map(|name| self.machines.get(name))
    }

    /// All that there are.
    pub(super) fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.machines.values()
    }

    /// The row that is marked, among those that are shown.
    pub(super) fn place(&self) -> usize {
        let marked = |name: &String| self.shown.iter().position(|shown| shown == name);
        self.marked.as_ref().and_then(marked).unwrap_or(0)
    }

    fn marked(&self) -> Option<&str> {
        self.shown.get(self.place()).map(String::as_str)
    }

    fn mark(&mut self, row: usize) {
        let row = row.min(self.shown.len().saturating_sub(1));
        self.marked = self.shown.get(row).cloned();
        self.keep_in_view();
    }

    fn mark_first(&mut self) {
        self.marked = None;
        self.scroll = 0;
    }

    /// The screen has so many rows for machines.
    pub(super) fn has_rows(&mut self, rows: usize) {
        self.rows = rows.max(1);
        self.keep_in_view();
    }

    fn keep_in_view(&mut self) {
        let place = self.place();
        let highest = self.shown.len().saturating_sub(self.rows);
        let least = (place + 1).saturating_sub(self.rows);
        self.scroll = self.scroll.clamp(least.min(place), place).min(highest);
    }

    /// How long ago a machine was heard, by the hub's clock.
    pub(super) fn age(&self, row: &Row, now: Instant) -> Option<Duration> {
        let (hub_ms, at) = self.clock?;
        let since = Duration::from_millis(hub_ms.saturating_sub(row.heard_ms?));
        Some(since + now.saturating_duration_since(at))
    }
}
