//! A finished job as `JUnit`'s XML, the form in which pipelines show tests: each machine is a test of its hub.

use serde_json::Value;
use std::fmt::Write as _;

/// Longest output of a program in it, in characters.
const MAX_OUTPUT_CHARS: usize = 64 << 10;

/// The whole document for a job in the form of a hub's.
pub(crate) fn junit(job: &Value) -> String {
    let machines = job["machines"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |kinds: &[&str]| machines.iter().filter(|it| kinds.contains(&word(&it["state"]))).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Infallible: a string takes everything.
    let _ = writeln!(
        out,
        "<testsuites><testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" timestamp=\"{}\">",
        escaped(word(&job["id"])),
        machines.len(),
        of(FAILURES),
        of(ERRORS),
        of(&["skipped"]),
        escaped(word(&job["accepted_at"])),
    );
    for machine in machines {
        out.push_str(&case(machine));
    }
    out.push_str("</testsuite></testsuites>\n");
    out
}

/// The guest did not do it, or nobody knows.
const FAILURES: &[&str] = &["failed", "refused", "unknown"];
/// Nothing came of it at all.
const ERRORS: &[&str] = &["expired", "absent"];

fn case(machine: &Value) -> String {
    let state = word(&machine["state"]);
    let message = [word(&machine["code"]), word(&machine["text"])];
    let message = message.iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join(": ");
    let told = format!("type=\"{}\" message=\"{}\"/>\n", escaped(state), escaped(&message));
    let outcome = match state {
        "answered" => String::new(),
        "skipped" => format!("  <skipped message=\"{}\"/>\n", escaped(&message)),
        failed if FAILURES.contains(&failed) => format!("  <failure {told}"),
        _ => format!("  <error {told}"),
    };
    let (hub, vm) = (escaped(word(&machine["hub"])), escaped(word(&machine["vm"])));
    let output = ["stdout", "stderr"].map(|name| output(name, &machine["result"][name])).concat();
    format!("<testcase classname=\"{hub}\" name=\"{vm}\">\n{outcome}{output}</testcase>\n")
}

fn output(name: &str, text: &Value) -> String {
    let text: String = word(text).chars().take(MAX_OUTPUT_CHARS).collect();
    let element = if name == "stdout" { "system-out" } else { "system-err" };
    if text.is_empty() { text } else { format!("  <{element}>{}</{element}>\n", escaped(&text)) }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A text in XML 1.0: what means something is written otherwise, and what no document may have is shown as such.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            plain if !plain.is_control() => out.push(plain),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_machine_is_a_test_and_what_went_wrong_is_counted() {
        let job = json!({"id": "j", "accepted_at": "2026-11-23T06:30:00.000Z", "machines": [
            {"hub": "host-1", "vm": "web-1", "state": "answered", "result": {"stdout": "one\ntwo"}},
            {"hub": "host-1", "vm": "web-2", "state": "failed", "code": "NOT_FOUND", "text": "no nginx"},
            {"hub": "host-2", "vm": "web-3", "state": "unknown"},
            {"hub": "host-2", "vm": "web-4", "state": "absent", "text": "the hub was not heard"},
            {"hub": "host-2", "vm": "web-5", "state": "skipped"}]});
        let text = junit(&job);
        assert!(text.contains("tests=\"5\" failures=\"2\" errors=\"1\" skipped=\"1\""), "{text}");
        assert!(text.contains("<system-out>one&#10;two</system-out>"), "{text}");
        assert!(text.contains("<failure type=\"failed\" message=\"NOT_FOUND: no nginx\"/>"), "{text}");
        assert!(text.contains("<error type=\"absent\""), "{text}");
        assert_eq!(text.matches("<testcase ").count(), 5);
        assert_eq!(text.matches("</testcase>").count(), 5);
    }

    #[test]
    fn what_guests_say_cannot_end_an_element() {
        let evil = "\"/></testcase><testcase name=\"x\u{1b}[2J\u{0}]]>\u{ffff}";
        let job = json!({"id": evil, "machines": [{"hub": evil, "vm": evil, "state": evil, "code": evil, "text": evil,
            "result": {"stdout": evil, "stderr": evil}}]});
        let text = junit(&job);
        assert_eq!(text.matches("<testcase ").count(), 1);
        assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text}");
    }
}
