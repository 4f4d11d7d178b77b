//! The console's window.

use ratatui::crossterm::terminal;

/// Columns of the console, if there is one.
pub(in crate::cli) fn columns() -> Option<u16> {
    let (columns, _rows) = terminal::size().ok()?;
    Some(columns).filter(|columns| *columns > 0)
}
