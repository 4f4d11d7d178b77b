//! Interfaces, their rates and addresses.

use super::{fitted, inside, panel};
use crate::text::{sanitise, units};
use crate::watch::model::Model;
use crate::watch::theme::Theme;
use infiniservice_protocol::metrics::Interface;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Columns of a rate: `99.9 MiB/s`.
const RATE_WIDTH: usize = 10;

pub(super) fn draw(frame: &mut Frame, area: Rect, model: &Model, interfaces: &[Interface], theme: Theme) {
    let (width, rows) = inside(area);
    let name = interfaces.iter().map(|interface| interface.name.len()).max().unwrap_or(0).clamp(4, 10);
    let lines = fitted(interfaces, rows, |interface| line(interface, model, name, width, theme), theme);
    panel(frame, area, "network", lines, theme);
}

fn line(interface: &Interface, model: &Model, name: usize, width: usize, theme: Theme) -> Line<'static> {
    let title = sanitise::pad(&interface.name, name);
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
    let Some(first) = all.first().filter(|_| text.len() > room) else { return sanitise::fit(&text, room) };
    let more = if all.len() > 1 { format!(" +{}", all.len() - 1) } else { String::new() };
    if first.len() + more.len() <= room { sanitise::line(first) + &more } else { sanitise::fit(first, room) }
}

#[cfg(test)]
mod tests {
    use super::*;

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
