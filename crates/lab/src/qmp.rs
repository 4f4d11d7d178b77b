//! QEMU's monitor: commands, their answers, and the events in between (qemu, `docs/interop/qmp-spec`).

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::jsonline::JsonLines;

/// How long QEMU may take to answer a command.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Events kept that nobody has asked for; older ones are dropped.
const MAX_EVENTS: usize = 1000;

/// A connection to the monitor, past its greeting.
#[derive(Debug)]
pub struct Qmp {
    lines: JsonLines,
    events: VecDeque<Value>,
    next_id: u64,
}

impl Qmp {
    /// Connects to the monitor's socket and leaves negotiation mode.
    pub fn connect(path: &Path) -> Result<Self> {
        Self::negotiate(JsonLines::connect(path)?)
    }

    fn negotiate(mut lines: JsonLines) -> Result<Self> {
        let greeting =
            lines.next(Instant::now() + ANSWER_TIMEOUT)?.context("no greeting from the monitor")?;
        if greeting.get("QMP").is_none() {
            bail!("not a QMP greeting: {greeting}");
        }
        let mut qmp = Self { lines, events: VecDeque::new(), next_id: 0 };
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Runs `command` and returns its `return` value; QEMU's `error` becomes the error.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        self.next_id += 1;
        let id = self.next_id;
        self.lines.send(&json!({"execute": command, "arguments": arguments, "id": id}))?;
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        loop {
            let message = self.lines.next(deadline)?.with_context(|| format!("no answer to {command}"))?;
            if message.get("id").and_then(Value::as_u64) == Some(id) {
                return answer(command, &message);
            }
            self.remember(message);
        }
    }

    /// Waits for an event of that name whose `data` is `wanted`, among those that came since the last wait.
    pub fn wait_event(
        &mut self,
        name: &str,
        wanted: impl Fn(&Value) -> bool,
        timeout: Duration,
    ) -> Result<Value> {
        let deadline = Instant::now() + timeout;
        loop {
            while let Some(event) = self.events.pop_front() {
                let data = event.get("data").unwrap_or(&Value::Null);
                if event["event"] == name && wanted(data) {
                    return Ok(data.clone());
                }
            }
            let message = self.lines.next(deadline)?;
            self.remember(message.with_context(|| format!("no event {name} within {timeout:?}"))?);
        }
    }

    /// Forgets the events so far. Worth doing before something is caused whose event one waits for: the firmware, for
    /// one, follows each reset with another of its own.
    pub fn forget_events(&mut self) -> Result<()> {
        // The answer comes after every event that there was before it.
        self.execute("query-status", &json!({}))?;
        self.events.clear();
        Ok(())
    }

    fn remember(&mut self, message: Value) {
        if message.get("event").is_some() {
            if self.events.len() == MAX_EVENTS {
                self.events.pop_front();
            }
            self.events.push_back(message);
        }
    }
}

fn answer(command: &str, message: &Value) -> Result<Value> {
    match (message.get("return"), message.get("error")) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(error)) => bail!("{command}: {}", error["desc"].as_str().unwrap_or("unknown error")),
        (None, None) => bail!("{command}: neither return nor error in {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    /// A monitor that has said all it will say before it is asked.
    fn connected(script: &str) -> (Result<Qmp>, UnixStream) {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(script.as_bytes()).unwrap();
        (Qmp::negotiate(JsonLines::new(ours)), theirs)
    }

    const GREETING: &str = "{\"QMP\":{\"version\":{}}}\n{\"return\":{},\"id\":1}\n";

    #[test]
    fn an_answer_is_found_among_events_and_the_events_are_kept() {
        let script = format!(
            "{GREETING}{}\n{}\n",
            json!({"event": "DEVICE_DELETED", "data": {"device": "agent0"}}),
            json!({"return": {"status": "running"}, "id": 2})
        );
        let (qmp, _monitor) = connected(&script);
        let mut qmp = qmp.unwrap();
        assert_eq!(qmp.execute("query-status", &json!({})).unwrap(), json!({"status": "running"}));
        let deleted = |data: &Value| data["device"] == "agent0";
        assert!(qmp.wait_event("DEVICE_DELETED", deleted, Duration::ZERO).is_ok());
        assert!(
            qmp.wait_event("DEVICE_DELETED", deleted, Duration::ZERO).is_err(),
            "an event is given out once"
        );
    }

    #[test]
    fn an_error_carries_qemus_words() {
        let script = format!(
            "{GREETING}{}\n",
            json!({"error": {"class": "DeviceNotFound", "desc": "Device 'x' not found"}, "id": 2})
        );
        let (qmp, _monitor) = connected(&script);
        let error = qmp.unwrap().execute("device_del", &json!({"id": "x"})).unwrap_err();
        assert_eq!(error.to_string(), "device_del: Device 'x' not found");
    }

    #[test]
    fn forgotten_events_are_not_waited_for() {
        let script = format!(
            "{GREETING}{}\n{}\n",
            json!({"event": "RESET", "data": {"guest": true}}),
            json!({"return": {}, "id": 2})
        );
        let (qmp, _monitor) = connected(&script);
        let mut qmp = qmp.unwrap();
        qmp.forget_events().unwrap();
        assert!(qmp.wait_event("RESET", |_| true, Duration::ZERO).is_err());
    }

    #[test]
    fn another_protocol_is_refused() {
        let (qmp, _monitor) = connected("{\"hello\":1}\n");
        assert!(qmp.unwrap_err().to_string().contains("not a QMP greeting"));
    }
}
