//! The table on a screen of any size: 80 columns have what is needed, more of them the address, the system and the agent.

use super::super::model::Link;
use super::super::theme::Theme;
use super::model::{Machine, Model};
use crate::hub::{Figures, Kind};
use crate::text::{sanitize, units};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use unicode_width::UnicodeWidthStr as _;

/// Rows above and below the machines: the counts, the headings, the keys.
const OTHER_ROWS: u16 = 3;
/// Columns of what every screen shows but name and reason: state, four figures, age, and blanks.
const FIXED: usize = 41;
/// From these widths on there are the address, the system, and the agent's version.
const WITH_ADDRESS: usize = 110;
const WITH_SYSTEM: usize = 140;
const WITH_VERSION: usize = 160;

/// How many machines are in view on a screen of this height.
pub(super) fn list_rows(height: u16) -> usize {
    usize::from(height.saturating_sub(OTHER_ROWS))
}

/// Draws everything.
pub(super) fn draw(frame: &mut Frame, model: &Model, theme: Theme, now: Instant) {
    let rows = [Constraint::Length(1), Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)];
    let [top, headings, body, bottom] = Layout::vertical(rows).areas(frame.area());
    frame.render_widget(Paragraph::new(counts(model, theme, top.width)), top);
    frame.render_widget(Paragraph::new(keys(model, theme)), bottom);
    let has_hubs = model.machines().next().is_some_and(|machine| machine.row.hub.is_some());
    let columns = Columns::of(usize::from(body.width), has_hubs);
    frame.render_widget(Paragraph::new(columns.headings(theme)), headings);
    draw_machines(frame, body, model, &columns, theme, now);
}

fn draw_machines(
    frame: &mut Frame,
    area: Rect,
    model: &Model,
    columns: &Columns,
    theme: Theme,
    now: Instant,
) {
    let (first, place) = (model.scroll, model.place());
    let in_view = model.shown().enumerate().skip(first).take(usize::from(area.height));
    let lines: Vec<Line> = in_view
        .filter_map(|(row, machine)| {
            let machine = machine?;
            let line = columns.line(machine, model.age(&machine.row, now), theme);
            Some(if row == place { line.patch_style(Modifier::REVERSED) } else { line })
        })
        .collect();
    if lines.is_empty() {
        let text = match (model.is_known(), &model.link) {
            (false, Link::Up) => " waiting for the hub",
            (false, Link::Down(_)) => "",
            (true, _) if model.machines().next().is_none() => " the hub has no machines",
            (true, _) => " no machine is like this; Esc empties the filter, h shows all again",
        };
        return frame.render_widget(Paragraph::new(Line::styled(text, theme.dim())), area);
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// How many machines are in which state, and whether this is now.
fn counts(model: &Model, theme: Theme, width: u16) -> Line<'static> {
    let badge = match &model.link {
        Link::Down(_) => Span::styled("✗ no hub ", theme.bad()),
        Link::Up if model.held => Span::styled("‖ order held ", theme.warning()),
        Link::Up => Span::styled("● live ", theme.good()),
    };
    let mut states = BTreeMap::<&str, usize>::new();
    for machine in model.machines() {
        *states.entry(machine.row.state.as_str()).or_default() += 1;
    }
    let all: usize = states.values().sum();
    let up = states.remove("up").unwrap_or(0);
    let others = states.iter().map(|(state, count)| format!("  {count} {}", sanitize::fit(state, 12)));
    let failing = model.machines().filter(|machine| machine.hurt.kind == Kind::Failed).count();
    let failing = (failing > 0).then(|| format!("  {failing} with failures"));
    let text: String = [format!(" {up} of {all} up")].into_iter().chain(others).chain(failing).collect();
    let room = usize::from(width).saturating_sub(badge.content.width());
    Line::from(vec![Span::styled(sanitize::pad(&text, room), theme.strong()), badge])
}

/// What can be pressed, what is typed, and what went wrong.
fn keys(model: &Model, theme: Theme) -> Line<'static> {
    if let Link::Down(reason) = &model.link {
        return Line::styled(format!(" retrying: {}", sanitize::brief(reason)), theme.bad());
    }
    if let Some(notice) = &model.notice {
        return Line::styled(format!(" {}", sanitize::brief(notice)), theme.bad());
    }
    if model.typing {
        let typed = Span::styled(sanitize::brief(&model.filter), theme.strong());
        let help = Span::styled("▏  Enter keeps the filter, Esc empties it", theme.dim());
        return Line::from(vec![Span::styled(" /", theme.title()), typed, help]);
    }
    let turned = if model.reversed { ", turned" } else { "" };
    let filter = if model.filter.is_empty() {
        "filter".to_owned()
    } else {
        format!("filter: {}", sanitize::fit(&model.filter, 24))
    };
    let mut spans = vec![Span::from(" ")];
    for (key, what) in [
        ("⏎", "open".to_owned()),
        ("/", filter),
        ("s", format!("sort: {}{turned}", model.order.name())),
        ("r", "turn".to_owned()),
        ("h", if model.only_hurting { "all" } else { "hurting only" }.to_owned()),
        ("p", if model.held { "let move" } else { "hold" }.to_owned()),
        ("q", "quit".to_owned()),
    ] {
        spans.push(Span::styled(key, theme.title()));
        spans.push(Span::styled(format!(" {what}  "), theme.dim()));
    }
    Line::from(spans)
}

/// Widths of the columns that depend on the screen's; 0 for one that is not shown.
#[derive(Clone, Copy, Debug)]
struct Columns {
    name: usize,
    hub: usize,
    address: usize,
    system: usize,
    version: usize,
    reason: usize,
}

impl Columns {
    fn of(width: usize, has_hubs: bool) -> Self {
        let name = (width / 5).clamp(8, 32);
        let if_at = |least: usize, columns: usize| if width >= least { columns } else { 0 };
        let (address, system, version) =
            (if_at(WITH_ADDRESS, 16), if_at(WITH_SYSTEM, 24), if_at(WITH_VERSION, 10));
        let hub = if has_hubs { (width / 6).clamp(8, 24) } else { 0 };
        let reason = width.saturating_sub(FIXED + name + hub + address + system + version);
        Self { name, hub, address, system, version, reason }
    }

    fn headings(self, theme: Theme) -> Line<'static> {
        let texts = [
            (" ", 1),
            ("name", self.name),
            (" ", 1),
            ("hub", self.hub),
            ("state", 9),
            ("  cpu", 5),
            ("  mem", 5),
            (" disk", 5),
            ("   load", 7),
            ("  heard", 7),
            (" ", 1),
            ("address", self.address),
            ("system", self.system),
            ("agent", self.version),
            ("what hurts", self.reason),
        ];
        texts.map(|(text, width)| Span::styled(sanitize::pad(text, width), theme.dim())).into_iter().collect()
    }

    fn line(self, machine: &Machine, age: Option<Duration>, theme: Theme) -> Line<'static> {
        let row = &machine.row;
        let figures = row.fresh().cloned().unwrap_or_default();
        let (agent, address) = (
            row.agent.clone().unwrap_or_default(),
            row.figures.as_ref().and_then(|figures| figures.address.as_deref()),
        );
        // A blank parts a column from the next one.
        let text = |text: Option<&str>, width: usize| {
            let shown = sanitize::fit(text.unwrap_or("-"), width.saturating_sub(1));
            Span::styled(sanitize::pad(&shown, width), theme.dim())
        };
        let reason = if is_bad(machine.hurt.kind) { theme.bad() } else { theme.warning() };
        Line::from(vec![
            " ".into(),
            Span::styled(sanitize::pad(&row.name, self.name), theme.strong()),
            " ".into(),
            text(row.hub.as_deref(), self.hub),
            state(&row.state, theme),
            ratio(figures.cpu, theme),
            ratio(figures.memory, theme),
            ratio(figures.disk, theme),
            load(&figures, theme),
            Span::styled(format!("{:>7} ", age.map_or_else(|| "-".to_owned(), short)), theme.dim()),
            text(address, self.address),
            text(agent.os.as_deref(), self.system),
            text(agent.version.as_deref(), self.version),
            Span::styled(sanitize::fit(&machine.hurt.text, self.reason), reason),
        ])
    }
}

fn is_bad(kind: Kind) -> bool {
    kind >= Kind::NoMemory
}

fn state(state: &str, theme: Theme) -> Span<'static> {
    let style = match state {
        "up" => theme.good(),
        "opening" => theme.dim(),
        _ => theme.bad(),
    };
    Span::styled(sanitize::pad(state, 9), style)
}

fn ratio(ratio: Option<f64>, theme: Theme) -> Span<'static> {
    let Some(ratio) = ratio.filter(|ratio| ratio.is_finite()) else {
        return Span::styled("    -", theme.dim());
    };
    let percent = units::share(ratio, 1.0);
    Span::styled(format!("{percent:>3.0} %"), theme.level(percent))
}

fn load(figures: &Figures, theme: Theme) -> Span<'static> {
    let Some([one, ..]) = figures.load.filter(|load| load.iter().all(|figure| figure.is_finite())) else {
        return Span::styled("      -", theme.dim());
    };
    let of_all = figures.load_per_cpu().map_or(0.0, |load| load * 45.0);
    Span::styled(format!("{:>7.2}", one.clamp(0.0, 9999.0)), theme.level(of_all))
}

/// In one unit, as the column is narrow.
fn short(since: Duration) -> String {
    match since.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}
