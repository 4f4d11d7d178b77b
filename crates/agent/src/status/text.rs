//! The status for people.

use super::Status;
use infiniservice_channel::diagnose::printable;
use serde_json::Value;
use std::time::Duration;

/// Lines without an end at the last; nothing in them steers a terminal.
pub fn render(status: &Status) -> String {
    let mut lines = vec![headline(status)];
    lines.extend(facts(status));
    lines.extend(status.problems.iter().map(|problem| format!("  {:<10} {problem}", "problem")));
    lines.extend(changed_settings(status));
    lines.extend(errors(status));
    lines.iter().map(|line| printable::line(line)).collect::<Vec<_>>().join("\n")
}

fn headline(status: &Status) -> String {
    match status.state.as_str() {
        "connected" => format!("Connected, quality {}", status.quality),
        "waiting_for_host" => "Port open, no host is connected".into(),
        "waiting_for_port" => "No virtio-serial port; infiniservice --diagnose says why".into(),
        "no_port_wanted" => "No port (no_virtio); metrics go to the log".into(),
        other => other.to_owned(),
    }
}

fn seconds(seconds: u64) -> String {
    duration(Duration::from_secs(seconds))
}

fn facts(status: &Status) -> Vec<String> {
    let line = |name: &str, value: String| format!("  {name:<10} {value}");
    let running = seconds(status.uptime_secs);
    vec![
        line("agent", format!("{}, pid {}, running for {running}", status.agent_version, status.pid)),
        line("host", host(status)),
        line("heartbeat", heartbeats(status)),
        line("breaker", status.circuit_breaker.to_lowercase()),
        line("waiting", format!("{} bytes of answers, {} in all", status.waiting_bytes, status.held_bytes)),
        line(
            "refused",
            format!(
                "{} signatures, {} other lines, {} commands",
                status.refused.signatures, status.refused.lines, status.refused.commands
            ),
        ),
        line("commands", held(status)),
    ]
}

fn held(status: &Status) -> String {
    match status.commands_held_by.as_deref() {
        Some("cgroups") => "each in a cgroup of its own".into(),
        Some("process_table") => "tracked in the process table; no cgroup limits them".into(),
        Some(other) => format!("held by {other}"),
        None => "not known yet".into(),
    }
}

fn host(status: &Status) -> String {
    let connects = status.host.connects;
    match (&status.host.connected_since, status.host.connected_secs) {
        (Some(since), Some(secs)) => {
            format!("connected since {since} ({}), {connects} times in all", seconds(secs))
        }
        _ => format!("not connected, {connects} times so far"),
    }
}

fn heartbeats(status: &Status) -> String {
    let beats = &status.heartbeats;
    let counts = format!("{} sent, {} answered, {} missed", beats.sent, beats.answered, beats.missed);
    let Some(ago) = beats.last_answer_secs else { return format!("none answered; {counts}") };
    let trip = beats.last_round_trip_ms.map_or(String::new(), |ms| format!(", round trip {ms:.1} ms"));
    format!("answered {} ago{trip}; {counts}", seconds(ago))
}

/// Those that somebody set; `--json` has all.
fn changed_settings(status: &Status) -> Vec<String> {
    let settings = status.configuration["settings"].as_array().map(Vec::as_slice).unwrap_or_default();
    let changed = settings.iter().filter(|setting| setting["origin"]["kind"] != "default");
    let lines: Vec<String> = changed
        .map(|setting| {
            let name = setting["name"].as_str().unwrap_or_default();
            format!("  {name} = {} ({})", setting["value"], origin(&setting["origin"]))
        })
        .collect();
    titled("Settings that differ from the defaults", lines)
}

/// As `--print-config` has it: a file with its line, or a flag's, variable's or setting's name.
fn origin(origin: &Value) -> String {
    let text = |name: &str| origin[name].as_str().unwrap_or_default();
    let place = [text("path"), text("name"), text("by")].concat();
    match origin["line"].as_u64() {
        Some(line) => format!("{place}:{line}"),
        None => format!("{} {place}", text("kind")),
    }
}

fn errors(status: &Status) -> Vec<String> {
    let line =
        |one: &crate::logging::errors::Logged| format!("  {} {}: {}", one.timestamp, one.level, one.text);
    titled("Last errors and warnings", status.last_errors.iter().map(line).collect())
}

fn titled(title: &str, lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() { Vec::new() } else { [vec![title.to_owned()], lines].concat() }
}

/// `3 d 4 h`, `5 min 6 s`: two units, for people.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Heartbeats, Host};
    use super::*;
    use crate::config::render::print_json;
    use crate::config::{FlagValue, Sources};
    use serde_json::json;

    #[test]
    fn the_first_line_is_the_state_and_only_what_was_set_is_listed() {
        let status = Status {
            state: "connected".into(),
            quality: "Good".into(),
            host: Host {
                connected_since: Some("2026-01-02T03:04:05Z".into()),
                connected_secs: Some(61),
                connects: 2,
            },
            heartbeats: Heartbeats {
                sent: 3,
                answered: 3,
                last_answer_secs: Some(5),
                last_round_trip_ms: Some(0.44),
                ..Heartbeats::default()
            },
            commands_held_by: Some("cgroups".into()),
            problems: vec!["df hangs\u{1b}[2J".into()],
            configuration: json!({"settings": [
                {"name": "vm_id", "value": "a\u{1b}[2J", "origin": {"kind": "file", "path": "/etc/x", "line": 7}},
                {"name": "log_level", "value": "info", "origin": {"kind": "default"}},
            ]}),
            ..Status::default()
        };
        let text = render(&status);
        assert!(text.starts_with("Connected, quality Good\n"), "{text}");
        assert!(text.contains("connected since 2026-01-02T03:04:05Z (1 min 1 s), 2 times in all"), "{text}");
        assert!(text.contains("answered 5 s ago, round trip 0.4 ms; 3 sent, 3 answered, 0 missed"), "{text}");
        assert!(text.contains("commands   each in a cgroup of its own"), "{text}");
        assert!(text.contains("problem    df hangs"), "{text}");
        assert!(text.contains("(/etc/x:7)"), "{text}");
        assert!(text.contains("vm_id = ") && !text.contains("log_level"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    /// What the agent itself sends, and not what a test makes of it.
    #[test]
    fn of_an_agent_with_defaults_only_what_a_flag_set_is_listed() {
        let flag =
            |name: &str, text: &str| FlagValue { flag: "--set".into(), name: name.into(), text: text.into() };
        let environment = vec![("INFINISERVICE_MAX_PORTS".into(), "7".into())];
        let default_file = "/nonexistent/config.toml".into();
        let flags = vec![flag("vm_id", "web-1")];
        let sources = Sources { default_file, config_flag: None, environment, flags };
        let loaded = sources.load().unwrap();
        let configuration = serde_json::from_str(&print_json(&loaded)).unwrap();
        let text = render(&Status { configuration, ..Status::default() });
        let settings: Vec<&str> = text.lines().filter(|line| line.contains(" = ")).collect();
        assert_eq!(settings.len(), 2, "{text}");
        assert!(text.contains("vm_id = \"web-1\" (flag --set)"), "{text}");
        assert!(text.contains("max_ports = 7 (variable INFINISERVICE_MAX_PORTS)"), "{text}");
    }

    #[test]
    fn durations_are_told_in_two_units() {
        for (seconds, told) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7300, "2 h 1 min"), (200_000, "2 d 7 h")]
        {
            assert_eq!(duration(Duration::from_secs(seconds)), told);
        }
    }
}
