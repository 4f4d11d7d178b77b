//! The panels above the processes: processor, memory, file systems and interfaces, with their bars and
//! curves.

use super::{fitted, inside, panel};
use crate::text::{sanitize, units};
use crate::watch::model::Model;
use crate::watch::theme::Theme;
use infiniservice_protocol::metrics::{Cpu, DiskUsage, Interface, Pressure, System};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar of `width` columns, filled by `percent`, in the colour of its level.
pub(super) fn bar(percent: f64, width: usize, theme: Theme) -> [Span<'static>; 2] {
    let percent = if percent.is_finite() { percent.clamp(0.0, 100.0) } else { 0.0 };
    let filled = ((percent / 100.0 * width as f64).round() as usize).min(width);
    // What is in use at all is seen.
    let filled = if percent > 0.0 { filled.max(1).min(width) } else { filled };
    [
        Span::styled("━".repeat(filled), theme.level(percent)),
        Span::styled("╌".repeat(width - filled), theme.dim()),
    ]
}

/// The last `width` samples of 0 to 100, the newest at the right.
pub(super) fn curve<'a>(samples: impl DoubleEndedIterator<Item = &'a f64>, width: usize) -> String {
    let mut steps: Vec<char> = samples.rev().take(width).map(|percent| step(*percent)).collect();
    steps.reverse();
    let blanks = width.saturating_sub(steps.len());
    " ".repeat(blanks) + &steps.into_iter().collect::<String>()
}

fn step(percent: f64) -> char {
    let at = (percent.clamp(0.0, 100.0) / 100.0 * 7.0).round() as usize;
    STEPS.get(at).copied().unwrap_or(' ')
}

/// Columns of one core: its number, its bar, its percentage.
const CORE_WIDTH: usize = 18;

pub(super) fn processor(frame: &mut Frame, area: Rect, model: &Model, cpu: &Cpu, theme: Theme) {
    let (width, rows) = inside(area);
    let mut lines = vec![
        all_cores(cpu, width, theme),
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

fn all_cores(cpu: &Cpu, width: usize, theme: Theme) -> Line<'static> {
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

pub(super) fn memory(frame: &mut Frame, area: Rect, system: &System, theme: Theme) {
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

/// Columns of ` 100 % 99.9 GiB`.
const FIGURE_WIDTH: usize = 15;

pub(super) fn disks(frame: &mut Frame, area: Rect, disks: &[DiskUsage], theme: Theme) {
    let (width, rows) = inside(area);
    let lines = fitted(disks, rows, |disk| disk_line(disk, width, theme), theme);
    panel(frame, area, "file systems", lines, theme);
}

fn disk_line(disk: &DiskUsage, width: usize, theme: Theme) -> Line<'static> {
    let percent = units::share(disk.used_gb, disk.used_gb + disk.available_gb);
    let left = width.saturating_sub(FIGURE_WIDTH);
    let name = left * 2 / 3;
    let [full, empty] = bar(percent, left.saturating_sub(name + 1), theme);
    let figure = format!(" {percent:>3.0} % {:>8}", units::gb(disk.total_gb));
    Line::from(vec![
        sanitize::pad(&disk.mount_point, name).into(),
        " ".into(),
        full,
        empty,
        Span::styled(figure, theme.strong()),
    ])
}

/// Columns of a rate: `99.9 MiB/s`.
const RATE_WIDTH: usize = 10;

pub(super) fn network(frame: &mut Frame, area: Rect, model: &Model, interfaces: &[Interface], theme: Theme) {
    let (width, rows) = inside(area);
    let name = interfaces.iter().map(|interface| interface.name.len()).max().unwrap_or(0).clamp(4, 10);
    let lines =
        fitted(interfaces, rows, |interface| interface_line(interface, model, name, width, theme), theme);
    panel(frame, area, "network", lines, theme);
}

fn interface_line(
    interface: &Interface,
    model: &Model,
    name: usize,
    width: usize,
    theme: Theme,
) -> Line<'static> {
    let title = sanitize::pad(&interface.name, name);
    if !interface.is_up {
        return Line::styled(format!("{title} down"), theme.dim());
    }
    let rates = model.rates.get(&interface.name);
    let rate = |arrow: &str, value: Option<f64>| {
        let text = value.map_or_else(|| "-".into(), units::rate);
        Span::from(format!(" {arrow}{text:>RATE_WIDTH$}"))
    };
    let room = width.saturating_sub(name + 2 * (RATE_WIDTH + 2) + 1);
    Line::from(vec![
        title.into(),
        rate("↓", rates.map(|rates| rates.0)),
        rate("↑", rates.map(|rates| rates.1)),
        " ".into(),
        Span::styled(addresses(interface, room), theme.strong()),
    ])
}

/// As many addresses as there is room for, IPv4 first, and how many are left out.
fn addresses(interface: &Interface, room: usize) -> String {
    let mut all: Vec<&String> = interface.ip_addresses.iter().collect();
    all.sort_by_key(|address| address.contains(':'));
    let text = all.iter().map(|address| address.as_str()).collect::<Vec<_>>().join(" ");
    let Some(first) = all.first().filter(|_| text.len() > room) else { return sanitize::fit(&text, room) };
    let more = if all.len() > 1 { format!(" +{}", all.len() - 1) } else { String::new() };
    if first.len() + more.len() <= room { sanitize::line(first) + &more } else { sanitize::fit(first, room) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(percent: f64, width: usize) -> String {
        bar(percent, width, Theme::default()).iter().map(|span| span.content.as_ref()).collect()
    }

    #[test]
    fn a_bar_has_its_width_whatever_the_guest_says() {
        assert_eq!(text(50.0, 4), "━━╌╌");
        assert_eq!(text(0.1, 4), "━╌╌╌");
        assert_eq!(text(1e300, 4), "━━━━");
        assert_eq!(text(f64::NAN, 4), "╌╌╌╌");
        assert_eq!(text(50.0, 0), "");
    }

    #[test]
    fn a_curve_ends_with_the_newest() {
        assert_eq!(curve([0.0, 50.0, 100.0].iter(), 5), "  ▁▅█");
        assert_eq!(curve([0.0, 50.0, 100.0].iter(), 2), "▅█");
        assert_eq!(curve([f64::NAN].iter(), 1), "▁");
    }

    #[test]
    fn addresses_that_do_not_fit_are_counted() {
        let addresses_of = |room| {
            let ip_addresses = vec!["fe80::1".to_owned(), "192.168.1.20".to_owned()];
            addresses(&Interface { ip_addresses, ..Interface::default() }, room)
        };
        assert_eq!(addresses_of(20), "192.168.1.20 fe80::1");
        assert_eq!(addresses_of(15), "192.168.1.20 +1");
        assert_eq!(addresses_of(5), "192.…");
    }
}
