//! The lines above and below the figures: the machine, the link, the keys.

use crate::text::{sanitize, units};
use crate::watch::model::{Link, Model, Sort};
use crate::watch::theme::Theme;
use infiniservice_protocol::guest::{BreakerState, CircuitBreakerReport};
use ratatui::text::{Line, Span};
use std::time::{Duration, Instant};
use unicode_width::UnicodeWidthStr;

/// Which machine, and whether it speaks.
pub(super) fn machine(model: &Model, theme: Theme, now: Instant, width: u16) -> Line<'static> {
    let badge = badge(model, theme, now);
    let room = usize::from(width).saturating_sub(badge.content.width() + 2);
    let (name, about) = names(model);
    let name = sanitize::fit(&name, room);
    let about = sanitize::pad(&about, room.saturating_sub(name.width() + 2));
    Line::from(vec![
        " ".into(),
        Span::styled(name, theme.strong()),
        "  ".into(),
        Span::styled(about, theme.dim()),
        badge,
    ])
}

fn names(model: &Model) -> (String, String) {
    let Some((metrics, _)) = &model.metrics else { return ("infinictl".into(), model.endpoint.clone()) };
    let system = &metrics.data.system;
    let host = &system.host;
    let up = units::age(system.uptime_seconds);
    (host.hostname.clone(), format!("{} {}  {}  up {up}", host.os_name, host.os_version, host.kernel_version))
}

fn badge(model: &Model, theme: Theme, now: Instant) -> Span<'static> {
    match &model.link {
        Link::Down(_) => Span::styled("✗ no connection", theme.bad()),
        Link::Up if model.paused => Span::styled("‖ paused", theme.warning()),
        Link::Up if model.is_waiting(now) => Span::styled("○ waiting for the guest", theme.warning()),
        Link::Up => Span::styled("● live", theme.good()),
    }
}

/// The link: its grade, the round trip, how long nothing came, the breaker, and the agent's heartbeat.
pub(super) fn link(model: &Model, theme: Theme, now: Instant) -> Line<'static> {
    if let Link::Down(reason) = &model.link {
        return Line::styled(format!(" retrying: {}", sanitize::line(reason)), theme.bad());
    }
    let quality = model.quality();
    let mut spans =
        vec![Span::styled(" link ", theme.dim()), Span::styled(quality.name(), theme.quality(quality))];
    let mut fact = |name: &'static str, value: Span<'static>| {
        spans.push(Span::styled(format!("  {name} "), theme.dim()));
        spans.push(value);
    };
    fact("ping", model.stats.last_round_trip().map_or("-".into(), |trip| units::millis(trip).into()));
    fact("heard", model.stats.last_line.map_or("-".into(), |_| short(model.silence(now)) + " ago").into());
    fact("breaker", breaker(model.breaker.as_ref(), theme));
    fact("heartbeat", heartbeat(model, now).into());
    Line::from(spans)
}

fn heartbeat(model: &Model, now: Instant) -> String {
    model.heartbeat.map_or("-".into(), |(_, at)| short(now.saturating_duration_since(at)))
}

fn breaker(report: Option<&CircuitBreakerReport>, theme: Theme) -> Span<'static> {
    match report.map(|report| report.state) {
        None => "-".into(),
        Some(BreakerState::Closed) => Span::styled("closed", theme.good()),
        Some(BreakerState::HalfOpen) => Span::styled("half-open", theme.warning()),
        Some(BreakerState::Open) => Span::styled("open", theme.bad()),
    }
}

/// In one unit, as the line is short.
fn short(since: Duration) -> String {
    match since.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// What can be pressed, and what the guest complained of.
pub(super) fn keys(model: &Model, theme: Theme) -> Line<'static> {
    let order = match model.sort {
        Sort::Cpu => "cpu",
        Sort::Memory => "memory",
        Sort::Pid => "pid",
        Sort::Name => "name",
    };
    let mut spans = vec![Span::from(" ")];
    let pause = if model.paused { "resume" } else { "pause" }.to_owned();
    let leave = if model.from_table { "back" } else { "quit" }.to_owned();
    for (key, what) in [("q", leave), ("s", format!("sort: {order}")), ("p", pause), ("↑↓", "scroll".into())]
    {
        spans.push(Span::styled(key, theme.title()));
        spans.push(Span::styled(format!(" {what}   "), theme.dim()));
    }
    if model.stats.malformed > 0 {
        let count = model.stats.malformed;
        spans.push(Span::styled(format!("{count} malformed lines   "), theme.bad()));
    }
    if let Some(notice) = &model.notice {
        spans.push(Span::styled(sanitize::line(notice), theme.warning()));
    }
    Line::from(spans)
}
