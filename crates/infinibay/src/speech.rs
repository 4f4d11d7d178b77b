//! How lines are written for the host: the types that it knows, and what each connection begins with.

use crate::answer::finish_once;
use crate::event::{Severity, event};
use crate::measure;
use crate::platform::Platform;
use crate::policy::LOCKED;
use infiniservice_link::Line;
use infiniservice_link::dialect::Dialect;
use infiniservice_protocol::GuestMessage;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// What the agent says of itself when a host comes.
#[derive(Clone, Debug)]
pub struct Speech {
    /// The agent's version.
    pub version: String,
    /// The platform it runs on.
    pub platform: Platform,
    /// As configured; possibly empty.
    pub vm_id: String,
    /// Whether nothing is carried out, for want of a secret.
    pub locked: bool,
    /// Longest line of the host, in bytes.
    pub max_line_bytes: usize,
}

impl Dialect for Speech {
    fn greeting(&self) -> Vec<Line> {
        let context = json!({
            "version": self.version, "platform": self.platform.name(), "vm_id": self.vm_id,
            "profile": "infinibay", "commands": if self.locked { "locked" } else { "open" },
        });
        let Value::Object(context) = context else { return Vec::new() };
        let ready = event(Severity::Info, &format!("agent {} ready", self.version), context);
        let locked = self.locked.then(|| event(Severity::Warn, LOCKED, Map::new()));
        [Some(ready), locked].into_iter().flatten().collect()
    }

    fn spell(&self, message: &GuestMessage) -> Line {
        let finished = match message {
            GuestMessage::Response(response) => finish_once(response).map(GuestMessage::Response),
            _ => None,
        };
        let message = finished.as_ref().unwrap_or(message);
        let Ok(Value::Object(mut line)) = serde_json::to_value(message) else { return Line::new() };
        line.remove("timestamp");
        match message {
            GuestMessage::SystemMetrics(_) => measure::spell(&mut line, self.platform),
            GuestMessage::Response(response) if response.exit_code.is_none() => {
                line.remove("exit_code");
            }
            _ => {}
        }
        line
    }

    fn is_of_host(&self, kind: &str) -> bool {
        kind == "pending_scripts_response"
    }

    fn is_of_guest(&self, kind: &str) -> bool {
        ["metrics", "agent_event", "request_pending_scripts", "script_completion", "firewall_event"]
            .contains(&kind)
    }

    fn too_long(&self, bytes: usize) -> Line {
        let message = "a line of the host was too long and is lost; scripts in it will not be run";
        let context = json!({ "max_line_bytes": self.max_line_bytes, "bytes": bytes });
        event(Severity::Error, message, context.as_object().cloned().unwrap_or_default())
    }

    fn locked(&self) -> Option<&'static str> {
        self.locked.then_some(LOCKED)
    }

    fn error_period(&self) -> Duration {
        Duration::from_mins(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::Response;

    fn speech(locked: bool) -> Speech {
        let (version, vm_id) = ("1.2.3".to_owned(), String::new());
        Speech { version, platform: Platform::Linux, vm_id, locked, max_line_bytes: 16 << 20 }
    }

    #[test]
    fn a_connection_begins_with_who_the_agent_is_and_whether_it_takes_commands() {
        let greeting = Value::from_iter(speech(false).greeting());
        assert_eq!(
            greeting,
            json!([{
                "type": "agent_event", "severity": "info", "source": "agent", "message": "agent 1.2.3 ready",
                "context": {"version": "1.2.3", "platform": "linux", "vm_id": "", "profile": "infinibay", "commands": "open"},
            }])
        );
        let greeting = speech(true).greeting();
        assert_eq!(greeting[0]["context"]["commands"], "locked");
        assert_eq!((&greeting[1]["severity"], &greeting[1]["message"]), (&json!("warn"), &json!(LOCKED)));
    }

    #[test]
    fn an_answer_without_a_program_has_no_exit_code_and_one_with_it_keeps_it() {
        let mut response = Response::ok("1", "X", json!({}));
        let spelt = |response: &Response| speech(false).spell(&GuestMessage::Response(response.clone()));
        assert!(!spelt(&response).contains_key("exit_code"));
        response.exit_code = Some(-1_073_741_510);
        assert_eq!(spelt(&response)["exit_code"], -1_073_741_510);
    }
}
