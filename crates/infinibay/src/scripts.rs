//! Scripts that the host keeps for this machine: what it asks for, how an end is told, and when it is asked for more.

use infiniservice_link::Line;
use serde_json::{Value, json};
use std::time::Duration;

/// Of one line so many are looked at.
const SCRIPTS_MAX: usize = 256;
/// Longest id that is sent back, in bytes.
const ID_MAX: usize = 256;
/// How long a script may run that names no time, in seconds.
const TIMEOUT_SECS: u32 = 600;
/// Names by which the host means the agent's own account, on both platforms.
pub(crate) const OWN_ACCOUNT: [&str; 3] = ["system", "administrator", "root"];

/// A script of a `pending_scripts_response`. What else the host sends of it, such as its inputs, is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// The host's name of this run.
    pub execution_id: String,
    /// Its name for people, without control characters; possibly empty.
    pub name: String,
    /// Its text.
    pub content: String,
    /// What runs it, by the host's word; the platform's own when absent.
    pub shell: Option<String>,
    /// How long it may run.
    pub timeout_secs: u32,
    /// As whom; as the agent itself when absent.
    pub run_as: Option<String>,
}

/// The scripts of a `pending_scripts_response`; none of what cannot be read.
pub fn read(line: &str) -> Vec<Pending> {
    let Ok(mut line) = serde_json::from_str::<Value>(line) else { return Vec::new() };
    let Some(scripts) = line.get_mut("scripts").and_then(Value::as_array_mut) else { return Vec::new() };
    scripts.iter_mut().take(SCRIPTS_MAX).filter_map(pending).collect()
}

fn pending(script: &mut Value) -> Option<Pending> {
    let execution_id = text(script, "execution_id").filter(|id| id.len() <= ID_MAX)?;
    let secs = script.get("timeout_seconds").and_then(Value::as_u64).filter(|secs| *secs > 0);
    let run_as = text(script, "run_as");
    Some(Pending {
        execution_id,
        name: text(script, "script_name").map(|name| plain(&name)).unwrap_or_default(),
        shell: text(script, "shell"),
        timeout_secs: secs.map_or(TIMEOUT_SECS, |secs| u32::try_from(secs).unwrap_or(u32::MAX)),
        run_as: run_as.filter(|user| !OWN_ACCOUNT.iter().any(|own| own.eq_ignore_ascii_case(user))),
        content: match script.get_mut("script_content").map(Value::take) {
            Some(Value::String(content)) => content,
            _ => String::new(),
        },
    })
}

fn text(script: &Value, name: &str) -> Option<String> {
    script.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// A `script_completion`.
pub fn completion(execution_id: &str, exit_code: i32, stdout: &str, stderr: &str) -> Line {
    line(json!({
        "type": "script_completion", "execution_id": execution_id, "exit_code": exit_code, "stdout": stdout,
        "stderr": stderr,
    }))
}

fn line(value: Value) -> Line {
    if let Value::Object(line) = value { line } else { Line::new() }
}

/// Between two `request_pending_scripts`.
const PERIOD: Duration = Duration::from_mins(1);

/// When the host is asked for scripts: once a connection, and after the last of a batch.
#[derive(Debug, Default)]
pub struct Asking {
    last: Option<Duration>,
    due: Option<Duration>,
}

impl Asking {
    /// It is to be asked, as soon as it may be.
    pub fn want(&mut self, now: Duration) {
        let earliest = self.last.map_or(now, |last| last.saturating_add(PERIOD));
        self.due = Some(earliest.max(now));
    }

    /// When.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.due
    }

    /// Whether it is to be asked now.
    pub fn take(&mut self, now: Duration) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        if due {
            (self.last, self.due) = (Some(now), None);
        }
        due
    }
}

impl Asking {
    /// What was to be asked now is asked then.
    pub fn put_off(&mut self, until: Duration) {
        self.due = Some(until);
    }
}

/// A `request_pending_scripts`, written at this moment (RFC 3339).
pub fn request(vm_id: &str, moment: &str) -> Line {
    line(json!({"type": "request_pending_scripts", "vm_id": vm_id, "request_timestamp": moment}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_is_read_with_what_it_needs_and_its_inputs_are_not_looked_at() {
        let line = json!({"type": "pending_scripts_response", "timestamp": "t", "scripts": [
            {"execution_id": "a", "script_id": "s", "script_name": "set\nup", "script_content": "echo\r\n", "shell": "BASH",
             "execution_type": "FIRST_BOOT", "input_values": {"p": "k2"}, "timeout_seconds": 60, "run_as": "ada"},
            {"execution_id": "b", "script_content": null, "timeout_seconds": 0, "run_as": "Administrator"},
            {"execution_id": ""}, {}, 7, {"execution_id": "x".repeat(257)},
        ]});
        let read = read(&line.to_string());
        let ada = Pending {
            execution_id: "a".into(),
            name: "setup".into(),
            content: "echo\r\n".into(),
            shell: Some("BASH".into()),
            timeout_secs: 60,
            run_as: Some("ada".into()),
        };
        let bare = Pending { execution_id: "b".into(), timeout_secs: 600, ..Pending::default() };
        assert_eq!(read, [ada, bare]);
    }

    #[test]
    fn nothing_is_read_from_an_empty_list_or_noise() {
        for line in [r#"{"type":"pending_scripts_response","scripts":[]}"#, "{", "[]", r#"{"scripts":{}}"#] {
            assert!(read(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn the_host_is_asked_at_once_and_then_at_most_once_a_minute() {
        let at = Duration::from_secs;
        let mut asking = Asking::default();
        assert!(!asking.take(at(0)) && asking.next_deadline().is_none());
        asking.want(at(5));
        assert!(asking.take(at(5)) && !asking.take(at(5)));
        asking.want(at(10));
        asking.want(at(20));
        assert_eq!(asking.next_deadline(), Some(at(65)));
        assert!(!asking.take(at(64)) && asking.take(at(65)));
        asking.want(at(500));
        assert!(asking.take(at(500)));
    }
}
