//! The processor: all of it, its last minutes, and each core.

use super::bar::{bar, curve};
use super::{inside, panel};
use crate::text::units;
use crate::watch::model::Model;
use crate::watch::theme::Theme;
use infiniservice_protocol::metrics::Cpu;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Columns of one core: its number, its bar, its percentage.
const CORE_WIDTH: usize = 18;

pub(super) fn draw(frame: &mut Frame, area: Rect, model: &Model, cpu: &Cpu, theme: Theme) {
    let (width, rows) = inside(area);
    let mut lines = vec![
        total(cpu, width, theme),
        Line::styled(curve(model.history.iter(), width), theme.level(cpu.usage_percent)),
    ];
    lines.extend(cores(&cpu.cores_usage, width, rows.saturating_sub(lines.len()), theme));
    panel(frame, area, &title(cpu), lines, theme);
}

fn title(cpu: &Cpu) -> String {
    let heat = cpu.temperature.map_or(String::new(), |degrees| format!(", {degrees:.0} °C"));
    let cores = cpu.cores_usage.len();
    format!("processor, {cores} core{}{heat}", if cores == 1 { "" } else { "s" })
}

fn total(cpu: &Cpu, width: usize, theme: Theme) -> Line<'static> {
    let [full, empty] = bar(cpu.usage_percent, width.saturating_sub(15), theme);
    let figure = Span::styled(format!(" {:>6} %", units::percent(cpu.usage_percent)), theme.strong());
    Line::from(vec!["total ".into(), full, empty, figure])
}

fn cores(usage: &[f64], width: usize, rows: usize, theme: Theme) -> Vec<Line<'static>> {
    let columns = (width / CORE_WIDTH).max(1);
    let room = width / columns;
    let fit = columns * rows;
    let shown = if usage.len() > fit { columns * rows.saturating_sub(1) } else { usage.len() };
    let cells: Vec<_> =
        usage.iter().take(shown).enumerate().map(|(n, core)| cell(n, *core, room, theme)).collect();
    let mut lines: Vec<Line> = cells.chunks(columns).map(|row| Line::from(row.concat())).collect();
    if shown < usage.len() {
        lines.push(Line::styled(format!("and {} cores more", usage.len() - shown), theme.dim()));
    }
    lines
}

fn cell(number: usize, percent: f64, room: usize, theme: Theme) -> Vec<Span<'static>> {
    let [full, empty] = bar(percent, room.saturating_sub(11), theme);
    let figure = if percent.is_finite() { percent.clamp(0.0, 100.0) } else { 0.0 };
    vec![
        Span::styled(format!("{number:>3} "), theme.dim()),
        full,
        empty,
        Span::from(format!(" {figure:>3.0} %")),
        " ".into(),
    ]
}
