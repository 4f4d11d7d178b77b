//! The processes, from the row that was scrolled to.

use super::{block, inside};
use crate::text::{sanitize, units};
use crate::watch::model::{Model, Sort};
use crate::watch::theme::Theme;
use infiniservice_protocol::metrics::Process;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// Columns of everything but name and command line.
const FIXED_WIDTH: usize = 42;
/// A screen of this width has room for whole names.
const WIDE: usize = 100;

pub(super) fn draw(frame: &mut Frame, area: Rect, model: &Model, theme: Theme) {
    let (width, rows) = inside(area);
    let processes = model.processes();
    let room = rows.saturating_sub(1);
    let first = model.scroll.min(processes.len().saturating_sub(room.max(1)));
    let mut lines = vec![heading(model.sort, name_width(width), theme)];
    lines.extend(processes.iter().skip(first).take(room).map(|process| line(process, width, theme)));
    let end = (first + room).min(processes.len());
    let place = format!(" {}-{end} of {} ", (first + 1).min(end), count(model));
    let block = block("processes", theme).title_bottom(Line::styled(place, theme.dim()).right_aligned());
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// How many there are in the guest, of which it may have sent only the busiest.
fn count(model: &Model) -> String {
    let sent = model.processes().len();
    let cut = model.metrics.as_ref().and_then(|(metrics, _)| metrics.collection.truncated.get("processes"));
    cut.map_or_else(|| sent.to_string(), |total| format!("the {sent} busiest of {total}"))
}

/// A name has 15 characters at most, as the kernel has it.
fn name_width(width: usize) -> usize {
    if width < WIDE { 10 } else { 16 }
}

fn heading(sort: Sort, name: usize, theme: Theme) -> Line<'static> {
    let column = |text: &str, ordered: bool| {
        Span::styled(text.to_owned(), if ordered { theme.title() } else { theme.dim() })
    };
    Line::from(vec![
        column("    pid", sort == Sort::Pid),
        column(" user    ", false),
        column("  cpu %", sort == Sort::Cpu),
        column("    memory", sort == Sort::Memory),
        column(" ", false),
        column("state ", false),
        column(" ", false),
        column(&format!("{:name$}", "name"), sort == Sort::Name),
        column(" command", false),
    ])
}

fn line(process: &Process, width: usize, theme: Theme) -> Line<'static> {
    let command = process.cmd_line.as_deref().unwrap_or_default();
    let name = name_width(width);
    let user = process.user.as_deref().unwrap_or("-");
    Line::from(vec![
        Span::from(format!("{:>7} ", process.pid)),
        Span::styled(sanitize::pad(user, 8), theme.dim()),
        Span::styled(format!("{:>7}", units::percent(process.cpu_percent)), theme.level(process.cpu_percent)),
        Span::from(format!("{:>10} ", units::kib(process.memory_kb))),
        state(&process.status, theme),
        Span::styled(sanitize::pad(&process.name, name), theme.strong()),
        Span::from(" "),
        Span::styled(sanitize::fit(command, width.saturating_sub(FIXED_WIDTH + name)), theme.dim()),
    ])
}

fn state(status: &str, theme: Theme) -> Span<'static> {
    let style = match status {
        "running" => theme.good(),
        "disk_sleep" | "stopped" => theme.warning(),
        "zombie" => theme.bad(),
        _ => theme.dim(),
    };
    let short = match status {
        "running" => "run",
        "sleeping" => "sleep",
        "disk_sleep" => "disk",
        "stopped" => "stop",
        other => other,
    };
    Span::styled(sanitize::pad(short, 6) + " ", style)
}
