//! Jobs as tables and sentences.

use crate::cli::output::{Columns, Output, number, state, text};
use crate::text::sanitize;
use serde_json::Value;

/// Lines of one machine's output that are shown.
const MAX_OUTPUT_LINES: usize = 200;
/// Where a machine may stand, as people want to read it.
const COUNTS: [&str; 9] =
    ["answered", "failed", "refused", "unknown", "expired", "absent", "skipped", "sent", "accepted"];

/// A text of the hub's or of a guest's, harmless.
pub(in crate::cli) fn word(value: &Value) -> String {
    sanitize::brief(value.as_str().filter(|text| !text.is_empty()).unwrap_or("-"))
}

/// All jobs.
pub(in crate::cli) fn list(jobs: &[Value], out: Output) -> String {
    let mut table =
        Columns::new(out, &["job", "state", "started", "by", "machines", "command", "done", "outcomes"]);
    for job in jobs {
        table.row([
            text(&word(&job["id"])),
            state(&word(&job["state"])),
            text(&word(&job["accepted_at"])),
            text(&word(&job["actor"])),
            text(&word(&job["vms"])),
            text(&command(job)),
            number(format!("{}/{}", ended(job), job["targets"].as_u64().unwrap_or(0))),
            text(&counts(job)),
        ]);
    }
    table.finish()
}

/// What a job does, in short.
fn command(job: &Value) -> String {
    let message = &job["message"];
    let kind = &message["command_type"];
    let what = [&kind["operation"], &kind["service"], &kind["package"], &message["raw_command"]];
    let what = what.iter().filter_map(|value| value.as_str()).map(sanitize::brief);
    let name = if kind["action"].is_string() { word(&kind["action"]) } else { word(&message["type"]) };
    std::iter::once(name).chain(what).collect::<Vec<_>>().join(" ")
}

/// How many machines have ended.
pub(in crate::cli) fn ended(job: &Value) -> u64 {
    let open = ["accepted", "sent"].map(|name| job["counts"][name].as_u64().unwrap_or(0));
    job["targets"].as_u64().unwrap_or(0).saturating_sub(open.iter().sum())
}

/// How many machines stand where; what is 0 is left out.
pub(in crate::cli) fn counts(job: &Value) -> String {
    let of =
        |name: &&str| Some((job["counts"][name].as_u64().filter(|count| *count > 0)?, (*name).to_owned()));
    let counts = COUNTS.iter().filter_map(of);
    counts.map(|(count, name)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

/// A job in one line.
pub(in crate::cli) fn summary(job: &Value) -> String {
    let targets = job["targets"].as_u64().unwrap_or(0);
    let cancelled =
        job["cancelled_by"].as_str().map(|who| format!(", cancelled by {}", sanitize::brief(who)));
    let (id, state) = (word(&job["id"]), word(&job["state"]));
    format!("{id} is {state}{}: {} of {targets} machines", cancelled.unwrap_or_default(), counts(job))
}

/// A job with its machines; `all`, or only those that did not do it.
pub(in crate::cli) fn one(job: &Value, out: Output, all: bool) -> String {
    let mut parts = Vec::new();
    let mut table = Columns::new(out, &["machine", "outcome", "code", "ended", "reason"]);
    let mut rows = 0;
    for machine in job["machines"].as_array().into_iter().flatten() {
        let is_told = all || machine["state"] != "answered";
        if is_told {
            rows += 1;
            table.row([
                text(&name(machine)),
                state(&word(&machine["state"])),
                text(&word(&machine["code"])),
                text(&word(&machine["ended_at"])),
                text(&word(&machine["text"])),
            ]);
        }
        parts.extend(output(machine));
    }
    if rows > 0 {
        parts.push(table.finish());
    }
    parts.push(summary(job));
    parts.join("\n")
}

/// A machine's name, after that of its hub in a fleet.
fn name(machine: &Value) -> String {
    let vm = word(&machine["vm"]);
    if machine["hub"].is_string() { format!("{}/{vm}", word(&machine["hub"])) } else { vm }
}

/// What a machine's program wrote, each line with the machine's name.
fn output(machine: &Value) -> Vec<String> {
    let vm = name(machine);
    let texts = ["stdout", "stderr"].map(|name| machine["result"][name].as_str().unwrap_or_default());
    let lines: Vec<String> = texts.iter().flat_map(|text| text.lines()).map(sanitize::brief).collect();
    lines.into_iter().take(MAX_OUTPUT_LINES).map(|line| format!("{vm}: {line}")).collect()
}

/// The sentence for a job that was not done everywhere.
pub(in crate::cli) fn not_done(job: &Value) -> Option<String> {
    let targets = job["targets"].as_u64().unwrap_or(0);
    let answered = job["counts"]["answered"].as_u64().unwrap_or(0);
    let missing = targets.saturating_sub(answered);
    (missing > 0 || targets == 0)
        .then(|| format!("{missing} of {targets} machines did not do it: {}", counts(job)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};
    use serde_json::json;

    fn job() -> Value {
        json!({"id": "job-1", "state": "finished", "actor": "uid 0", "vms": "web-*", "targets": 3,
            "accepted_at": "2026-11-23T06:30:00.000Z",
            "message": {"type": "SafeCommand", "command_type": {"action": "ServiceControl", "service": "nginx", "operation": "restart"}},
            "counts": {"accepted": 0, "sent": 0, "answered": 2, "failed": 1, "unknown": 0},
            "machines": [{"vm": "web-1", "state": "answered", "result": {"stdout": "one\ntwo\n"}}, {"vm": "web-2", "state": "answered"},
                {"hub": "host-7", "vm": "web-3", "state": "failed", "code": "NOT_FOUND", "text": "there is no nginx"}]})
    }

    #[test]
    fn a_job_is_a_table_of_what_went_wrong_and_a_sum() {
        let shown = one(&job(), Output::default(), false);
        assert!(
            shown.contains("host-7/web-3") && shown.contains("NOT_FOUND") && !shown.contains("web-2"),
            "{shown}"
        );
        assert!(shown.contains("web-1: one\nweb-1: two\n"), "{shown}");
        assert!(shown.ends_with("job-1 is finished: 2 answered, 1 failed of 3 machines"), "{shown}");
        assert!(one(&job(), Output::default(), true).contains("web-2"));
        assert_eq!(not_done(&job()).unwrap(), "1 of 3 machines did not do it: 2 answered, 1 failed");
    }

    #[test]
    fn jobs_are_a_line_each() {
        let shown = list(&[job()], Output::default());
        assert!(shown.contains("ServiceControl restart nginx") && shown.contains("3/3"), "{shown}");
    }

    #[test]
    fn a_job_that_was_done_everywhere_is_a_success() {
        let mut done = job();
        done["counts"] = json!({"answered": 3});
        assert_eq!(not_done(&done), None);
    }

    #[test]
    fn hostile_words_are_harmless() {
        let machine =
            json!({"vm": EVIL, "state": EVIL, "code": EVIL, "text": EVIL, "result": {"stdout": EVIL}});
        let evil = json!({"id": EVIL, "state": EVIL, "actor": EVIL, "vms": EVIL, "cancelled_by": EVIL, "targets": 1,
            "message": {"type": EVIL, "raw_command": EVIL}, "machines": [machine]});
        assert_harmless(&one(&evil, Output::default(), true));
        assert_harmless(&list(std::slice::from_ref(&evil), Output::default()));
        assert_harmless(&summary(&evil));
    }
}
