//! Memory, swap, load and the disks' traffic.

use super::bar::bar;
use super::{inside, panel};
use crate::text::units;
use crate::watch::theme::Theme;
use infiniservice_protocol::metrics::{Pressure, System};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

pub(super) fn draw(frame: &mut Frame, area: Rect, system: &System, theme: Theme) {
    let (width, _) = inside(area);
    let memory = &system.memory;
    let mut lines = vec![
        usage("memory", memory.used_kb, memory.total_kb, width, theme),
        usage("swap  ", memory.swap_used_kb, memory.swap_total_kb, width, theme),
        load(system, theme),
        traffic(system, theme),
    ];
    lines.extend(system.pressure.as_ref().map(|pressure| waiting(pressure, theme)));
    panel(frame, area, "memory and load", lines, theme);
}

fn usage(name: &'static str, used: u64, total: u64, width: usize, theme: Theme) -> Line<'static> {
    if total == 0 {
        return Line::from(vec![name.into(), Span::styled(" none", theme.dim())]);
    }
    let percent = units::share(used as f64, total as f64);
    let figure = format!(" {:>4.0} % of {:>8}", percent, units::kib(total));
    let [full, empty] = bar(percent, width.saturating_sub(name.len() + 1 + figure.len()), theme);
    Line::from(vec![name.into(), " ".into(), full, empty, Span::styled(figure, theme.strong())])
}

fn load(system: &System, theme: Theme) -> Line<'static> {
    let Some(load) = &system.load_average else {
        return Line::styled("load   not reported by this system", theme.dim());
    };
    let figures = format!("{:.2}  {:.2}  {:.2}", load.load_1min, load.load_5min, load.load_15min);
    Line::from(vec!["load   ".into(), Span::styled(figures, theme.strong())])
}

/// The last minute's shares of the time in which programs waited.
fn waiting(pressure: &Pressure, theme: Theme) -> Line<'static> {
    let mut spans = vec![Span::from("waits  ")];
    for (name, stalls) in [("cpu ", &pressure.cpu), ("  mem ", &pressure.memory), ("  io ", &pressure.io)] {
        let Some(stalls) = stalls else { continue };
        let percent = units::share(stalls.some.avg60, 100.0);
        spans.extend([Span::styled(name, theme.dim()), format!("{percent:.0} %").into()]);
    }
    Line::from(spans)
}

fn traffic(system: &System, theme: Theme) -> Line<'static> {
    let io = &system.disk.io_stats;
    let busy = units::share(io.io_utilization_percent, 100.0);
    Line::from(vec![
        "disks  ".into(),
        Span::styled("r ", theme.dim()),
        units::rate(io.read_bytes_per_sec).into(),
        Span::styled("  w ", theme.dim()),
        units::rate(io.write_bytes_per_sec).into(),
        Span::styled(format!("  {busy:.0} %"), theme.level(busy)),
    ])
}
