//! What is shown before the first metrics.

use crate::text::{sanitise, units};
use crate::watch::model::Model;
use crate::watch::theme::Theme;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};
use std::time::Instant;

pub(super) fn draw(frame: &mut Frame, area: Rect, model: &Model, theme: Theme, now: Instant) {
    let rows = [Constraint::Percentage(30), Constraint::Min(0)];
    let [_, middle] = Layout::vertical(rows).areas(area);
    let since = units::age(now.saturating_duration_since(model.began).as_secs());
    let mut lines = vec![
        Line::styled("waiting for the guest", theme.title()),
        Line::default(),
        Line::from(format!("{}, for {since}", sanitise::line(&model.endpoint))),
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
