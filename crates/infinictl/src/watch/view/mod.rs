//! The model on a screen of any size; 80 by 24 is what it is made for.

mod header;
mod panels;
mod processes;
#[cfg(test)]
mod tests;

use super::model::Model;
use super::theme::Theme;
use crate::text::{sanitize, units};
use infiniservice_protocol::metrics::System;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph, Wrap};
use std::time::Instant;

/// Rows of the two upper bands on a small screen, frames included.
const SMALL_BAND: u16 = 6;
/// Rows of the list of processes that are worth more than larger bands.
const WANTED_PROCESS_ROWS: u16 = 12;

/// Draws everything.
pub(super) fn draw(frame: &mut Frame, model: &Model, theme: Theme, now: Instant) {
    let rows = [Constraint::Length(1), Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)];
    let [top, link, body, bottom] = Layout::vertical(rows).areas(frame.area());
    frame.render_widget(Paragraph::new(header::machine(model, theme, now, top.width)), top);
    frame.render_widget(Paragraph::new(header::link(model, theme, now)), link);
    frame.render_widget(Paragraph::new(header::keys(model, theme)), bottom);
    match &model.metrics {
        Some((metrics, _)) => figures(frame, body, model, &metrics.data.system, theme),
        None => draw_waiting(frame, body, model, theme, now),
    }
}

/// How many processes are in view on a screen of this height.
pub(super) fn list_rows(height: u16, model: &Model) -> usize {
    let body = height.saturating_sub(3);
    let bands = model.metrics.as_ref().map(|(metrics, _)| bands(body, &metrics.data.system));
    let taken = bands.map_or(0, |(upper, middle)| upper + middle);
    // The frame's two rows and the heading.
    usize::from(body.saturating_sub(taken).saturating_sub(3))
}

fn figures(frame: &mut Frame, area: Rect, model: &Model, system: &System, theme: Theme) {
    let (upper, middle) = bands(area.height, system);
    let rows = [Constraint::Length(upper), Constraint::Length(middle), Constraint::Min(0)];
    let [upper, middle, lower] = Layout::vertical(rows).areas(area);
    let halves = [Constraint::Percentage(50), Constraint::Percentage(50)];
    let [left, right] = Layout::horizontal(halves).areas(upper);
    panels::processor(frame, left, model, &system.cpu, theme);
    panels::memory(frame, right, system, theme);
    let parts = [Constraint::Percentage(40), Constraint::Percentage(60)];
    let [left, right] = Layout::horizontal(parts).areas(middle);
    panels::disks(frame, left, &system.disk.usage_stats, theme);
    panels::network(frame, right, model, &system.network.interfaces, theme);
    processes::draw(frame, lower, model, theme);
}

/// Heights of the upper and the middle band: as much as they have to say, while the processes have room.
fn bands(height: u16, system: &System) -> (u16, u16) {
    let spare = height.saturating_sub(2 * SMALL_BAND + WANTED_PROCESS_ROWS);
    let rows = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    let memory = SMALL_BAND + u16::from(system.pressure.is_some());
    let cores = rows(system.cpu.cores_usage.len().div_ceil(2)).saturating_add(4).max(memory);
    let lists = rows(system.disk.usage_stats.len().max(system.network.interfaces.len())).saturating_add(3);
    let upper = SMALL_BAND + cores.saturating_sub(SMALL_BAND).min(spare / 2);
    let middle = SMALL_BAND + lists.saturating_sub(SMALL_BAND).min(spare - spare / 2);
    (upper, middle)
}

/// A framed panel with its lines; what does not fit is not seen.
fn panel(frame: &mut Frame, area: Rect, title: &str, lines: Vec<Line>, theme: Theme) {
    let block = block(title, theme);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn block<'a>(title: &str, theme: Theme) -> Block<'a> {
    let title = Span::styled(format!(" {title} "), theme.title());
    Block::bordered().border_type(BorderType::Rounded).border_style(theme.dim()).title(title)
}

/// Columns and rows inside a panel's frame.
fn inside(area: Rect) -> (usize, usize) {
    (usize::from(area.width.saturating_sub(2)), usize::from(area.height.saturating_sub(2)))
}

/// The first `rows` of a list, the last of them telling how many are left out.
fn fitted<T>(
    items: &[T],
    rows: usize,
    line: impl Fn(&T) -> Line<'static>,
    theme: Theme,
) -> Vec<Line<'static>> {
    if items.len() <= rows {
        return items.iter().map(line).collect();
    }
    let shown = rows.saturating_sub(1);
    let mut lines: Vec<_> = items.iter().take(shown).map(line).collect();
    lines.push(Line::styled(format!("and {} more", items.len() - shown), theme.dim()));
    lines
}

fn draw_waiting(frame: &mut Frame, area: Rect, model: &Model, theme: Theme, now: Instant) {
    let rows = [Constraint::Percentage(30), Constraint::Min(0)];
    let [_, middle] = Layout::vertical(rows).areas(area);
    let since = units::age(now.saturating_duration_since(model.began).as_secs());
    let mut lines = vec![
        Line::styled("waiting for the guest", theme.title()),
        Line::default(),
        Line::from(format!("{}, for {since}", sanitize::line(&model.endpoint))),
    ];
    if model.is_waiting(now) {
        lines.push(Line::default());
        lines.push(Line::styled(advice(model), theme.dim()));
    }
    frame.render_widget(Paragraph::new(lines).centered().wrap(Wrap { trim: true }), middle);
}

fn advice(model: &Model) -> &'static str {
    if model.stats.lines == 0 {
        "Nothing arrived: check that infiniservice runs in the guest, and that no other program holds \
         this channel."
    } else {
        "The guest is alive, but sends no metrics."
    }
}
