//! The lines that a simulated guest sends.

use infiniservice_protocol::guest::{GuestMessage, Hello};
use infiniservice_protocol::hello::Features;
use infiniservice_protocol::limits::Limits;
use infiniservice_protocol::tags::Tags;
use infiniservice_protocol::timestamp::rfc3339_millis;
use infiniservice_protocol::trace::{Step, StepName, Trace, TraceContext};
use infiniservice_protocol::{GuestLine, parse_guest_line};
use serde_json::{Value, json};
use std::time::SystemTime;

/// A line of a real agent, as the protocol's golden file has it.
const RECORDED: &str = include_str!("../../protocol/golden/system_metrics.jsonl");

/// What breaks tables, labels, pages, logs and terminals.
pub const HOSTILE: &str =
    "\"},{\n\r\u{1b}]0;x\u{7}\u{1b}[2J<script>alert(1)</script>{{vm}}\\\u{202e}\u{9b}'; --";

/// The lists of such a line that are always there.
const LISTS: [&str; 3] = ["processes", "ports", "services"];
/// How much longer than asked for a line may be, in bytes.
const ABOUT: usize = 1_000;

/// The recorded figures.
pub fn recorded() -> Value {
    let line = RECORDED.lines().next().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_default()
}

/// A `system_metrics` line of about this many bytes: the recorded figures, and processes until it is long enough. Where the
/// recorded lists make it longer than that they are left out, as by an agent that is asked for `system` alone.
pub fn metrics(host_name: &str, bytes: usize, request: Option<&str>) -> String {
    metrics_with(host_name, bytes, request, |_| {})
}

/// The same, with what this changes.
pub fn metrics_with(
    host_name: &str,
    bytes: usize,
    request: Option<&str>,
    change: impl FnOnce(&mut Value),
) -> String {
    let mut line = recorded();
    change(&mut line);
    line["request_id"] = request.map_or(Value::Null, Value::from);
    line["data"]["system"]["host"]["hostname"] = host_name.into();
    let process = line["data"]["processes"][0].clone();
    let recorded = line.to_string().len();
    if recorded > bytes + ABOUT {
        for list in LISTS {
            line["data"][list] = json!([]);
        }
        if let Some(data) = line["data"].as_object_mut() {
            data.remove("plugins");
        }
    }
    let missing = bytes.saturating_sub(recorded);
    let more = missing / process.to_string().len().max(1);
    if let Some(processes) = line["data"]["processes"].as_array_mut() {
        processes.extend(std::iter::repeat_n(process, more));
    }
    if request.is_none()
        && let Some(fields) = line.as_object_mut()
    {
        fields.remove("request_id");
    }
    line.to_string()
}

/// Puts [`HOSTILE`] wherever a line of figures has a guest's words, and a service that has failed.
pub fn poison(line: &mut Value) {
    let data = &mut line["data"];
    for field in ["hostname", "os_name", "os_version", "kernel_version"] {
        data["system"]["host"][field] = HOSTILE.into();
    }
    data["system"]["disk"]["usage_stats"][0]["mount_point"] = HOSTILE.into();
    data["system"]["network"]["interfaces"][0]["ip_addresses"] = json!([HOSTILE]);
    for field in ["name", "cmd_line", "user"] {
        data["processes"][0][field] = HOSTILE.into();
    }
    data["services"][0]["name"] = HOSTILE.into();
    data["services"][0]["state"] = "failed".into();
}

/// A `hello` line.
pub fn hello(host_name: &str, instance: &str, os: &str, tags: &Tags) -> String {
    let hello = Hello {
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol_version: 1,
        platform: "linux".to_owned(),
        os: os.to_owned(),
        vm_id: Some(host_name.to_owned()),
        tags: tags.clone(),
        capabilities: Vec::new(),
        limits: Limits::default(),
        configuration_error: None,
        instance: instance.to_owned(),
        started_at: "2026-11-23T06:29:00.000Z".to_owned(),
        features: Features::default(),
        channels: Vec::new(),
        timestamp: None,
    };
    serde_json::to_string(&GuestMessage::Hello(hello)).unwrap_or_default()
}

/// What a guest says of a traced command that it began then: it waited for nothing, and one program ran.
pub fn trace(context: &TraceContext, started: SystemTime) -> Trace {
    let (now, step) = (SystemTime::now(), |name, start_ms, end_ms| Step { name, start_ms, end_ms });
    let took = now.duration_since(started).unwrap_or_default().as_millis();
    let took = u64::try_from(took).unwrap_or(u64::MAX);
    Trace {
        traceparent: context.traceparent().to_owned(),
        tracestate: context.tracestate().map(str::to_owned),
        received_offset_ms: 0,
        started: rfc3339_millis(started),
        ended: rfc3339_millis(now),
        steps: vec![step(StepName::Queue, 0, 0), step(StepName::Program, 0, took)],
        steps_left_out: None,
    }
}

/// A `keep_alive` line.
pub fn keep_alive(sequence_number: u64) -> String {
    json!({ "type": "keep_alive", "sequence_number": sequence_number }).to_string()
}

/// Whether a line is one that a host understands.
pub fn is_known(line: &str) -> bool {
    matches!(parse_guest_line(line), Ok(GuestLine::Known(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_one_that_a_host_understands() {
        let mut poisoned = recorded();
        poison(&mut poisoned);
        for line in [
            metrics("a", 40_000, None),
            metrics(HOSTILE, 0, Some("x")),
            poisoned.to_string(),
            hello("a", "b", HOSTILE, &Tags::default()),
            keep_alive(1),
        ] {
            assert!(is_known(&line), "{line:.80}");
        }
    }

    #[test]
    fn a_line_is_about_as_long_as_asked() {
        let length = metrics("a", 40_000, None).len();
        assert!((39_000..=41_000).contains(&length), "{length}");
        let system = metrics("a", 2_200, None);
        assert!((1_500..=3_200).contains(&system.len()) && is_known(&system), "{system}");
        assert!(system.contains(r#""processes":[]"#) && system.contains("total_kb"), "{system}");
    }
}
