//! File systems and how full they are.

use super::bar::bar;
use super::{fitted, inside, panel};
use crate::text::{sanitise, units};
use crate::watch::theme::Theme;
use infiniservice_protocol::metrics::DiskUsage;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Columns of ` 100 % 99.9 GiB`.
const FIGURE_WIDTH: usize = 15;

pub(super) fn draw(frame: &mut Frame, area: Rect, disks: &[DiskUsage], theme: Theme) {
    let (width, rows) = inside(area);
    let lines = fitted(disks, rows, |disk| line(disk, width, theme), theme);
    panel(frame, area, "file systems", lines, theme);
}

fn line(disk: &DiskUsage, width: usize, theme: Theme) -> Line<'static> {
    let percent = units::share(disk.used_gb, disk.used_gb + disk.available_gb);
    let left = width.saturating_sub(FIGURE_WIDTH);
    let name = left * 2 / 3;
    let [full, empty] = bar(percent, left.saturating_sub(name + 1), theme);
    let figure = format!(" {percent:>3.0} % {:>8}", units::gb(disk.total_gb));
    Line::from(vec![
        sanitise::pad(&disk.mount_point, name).into(),
        " ".into(),
        full,
        empty,
        Span::styled(figure, theme.strong()),
    ])
}
