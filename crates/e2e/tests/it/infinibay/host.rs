//! A host that speaks Infinibay's profile: it signs, reads lines, and never answers what it is not asked.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::binary;
use infiniservice_e2e::local::LocalAgent;
use infiniservice_protocol::envelope::Signer;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// As the host's installer plants it.
pub(super) const SECRET: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// Far above what is ever needed; only a test that fails waits for it.
const TIMEOUT: Duration = Duration::from_mins(3);

/// The host's end, and the agent at the other.
pub(super) struct Host {
    pub(super) agent: LocalAgent,
    port: File,
    lines: Receiver<String>,
    /// Everything that was read.
    pub(super) heard: Vec<Value>,
    signer: Signer,
    count: u64,
}

impl Host {
    /// An agent with the secret.
    pub(super) fn start(more: &str) -> Result<Self> {
        Self::start_with(&format!("shared_secret = \"{SECRET}\"\n{more}"))
    }

    /// An agent in the profile with these settings.
    pub(super) fn start_with(config: &str) -> Result<Self> {
        let agent = binary::tested_agent()?;
        let config = format!("wire_profile = \"infinibay\"\n{config}");
        // The secret makes the file one that nobody else may read.
        let wrapper = ["sh", "-c", "umask 077; chmod 600 \"$4\"; exec \"$@\"", "sh"];
        let (agent, master): (LocalAgent, OwnedFd) = LocalAgent::start(&agent, &config, &wrapper)?;
        let port = File::from(master);
        let mut reader = port.try_clone()?;
        let (tell, lines) = channel();
        thread::spawn(move || {
            let (mut waiting, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                waiting.extend_from_slice(buffer.get(..count).unwrap_or_default());
                while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = waiting.drain(..=end).collect();
                    if tell.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Self { agent, port, lines, heard: Vec::new(), signer: Signer::new(SECRET), count: 0 })
    }

    /// Reads until a line answers `wanted`.
    pub(super) fn read_until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let end = Instant::now() + TIMEOUT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line
                .with_context(|| format!("{what} never came:\n{}", self.agent.log().unwrap_or_default()))?;
            if line.is_empty() {
                continue;
            }
            ensure!(line.is_ascii(), "not ASCII: {line}");
            let value: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
            check_line(&value)?;
            self.heard.push(value.clone());
            if wanted(&value) {
                return Ok(value);
            }
        }
    }

    /// The next line of this type.
    pub(super) fn next(&mut self, kind: &str) -> Result<Value> {
        self.read_until(kind, |line| line["type"] == kind)
    }

    /// Sends a payload as it stands, signed.
    pub(super) fn send(&mut self, payload: &Value) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        self.count += 1;
        let line =
            self.signer.sign(u64::try_from(now)?, &format!("n{}-{now}", self.count), &payload.to_string());
        self.send_raw(line.as_bytes())
    }

    /// Sends these bytes.
    pub(super) fn send_raw(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.port.write_all(bytes)?)
    }

    /// Asks for an action as the host does, and waits for its answer.
    pub(super) fn ask(&mut self, action: &str, parameters: Value, timeout: u64) -> Result<Value> {
        let id = self.begin(action, parameters, timeout)?;
        let answer = self.answer(&id)?;
        ensure!(answer["command_type"] == action, "{answer}");
        check_answer(&answer)?;
        Ok(answer)
    }

    /// The same, without waiting; gives the id.
    pub(super) fn begin(&mut self, action: &str, parameters: Value, timeout: u64) -> Result<String> {
        self.count += 1;
        let id = format!("b1c2-{}-{action}", self.count);
        let mut command = json!({ "action": action });
        if let (Some(command), Value::Object(parameters)) = (command.as_object_mut(), parameters) {
            command.extend(parameters);
        }
        self.send(&json!({
            "type": "SafeCommand", "id": id, "command_type": command, "params": null, "timeout": timeout,
        }))?;
        Ok(id)
    }

    /// The answer with this id.
    pub(super) fn answer(&mut self, id: &str) -> Result<Value> {
        let id = id.to_owned();
        self.read_until(&id.clone(), move |line| line["type"] == "response" && line["id"] == id.as_str())
    }

    /// A raw command, and its answer.
    pub(super) fn raw(&mut self, fields: Value) -> Result<Value> {
        self.count += 1;
        let id = format!("raw-{}", self.count);
        let mut line = json!({ "type": "UnsafeCommand", "id": id, "timeout": 30 });
        if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
            line.extend(fields);
        }
        self.send(&line)?;
        self.answer(&id)
    }
}

/// What holds for each line.
fn check_line(line: &Value) -> Result<()> {
    const KNOWN: [&str; 9] = [
        "metrics",
        "response",
        "keep_alive",
        "agent_event",
        "request_pending_scripts",
        "script_completion",
        "circuit_breaker_state",
        "error",
        "hello",
    ];
    let kind = line["type"].as_str().unwrap_or_default();
    ensure!(KNOWN.contains(&kind), "a type that the host does not know: {line}");
    let time = line["timestamp"].as_str().unwrap_or_default();
    ensure!(humantime_like(time), "no time of writing: {line}");
    Ok(())
}

fn humantime_like(text: &str) -> bool {
    text.len() == 24 && text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T')
}

/// What holds for each answer: section 6.
fn check_answer(answer: &Value) -> Result<()> {
    let success = answer["success"].as_bool().context("success")?;
    ensure!(success || answer["error"].as_str().is_some_and(|error| error.contains(": ")), "{answer}");
    ensure!(success || answer["exit_code"].is_i64(), "{answer}");
    for word in ["timeout", "closed", "not connected", "No connection"] {
        ensure!(!answer["error"].as_str().unwrap_or_default().contains(word), "{answer}");
    }
    match &answer["data"] {
        Value::Object(data) => {
            ensure!(success || data.is_empty(), "{answer}");
            ensure!(data.values().all(|value| !value.is_null()), "a null at the top: {answer}");
        }
        Value::Array(list) => {
            ensure!(answer["command_type"] == "ServiceList" && (success || list.is_empty()));
        }
        _ => ensure!(answer["command_type"] == "UnsafeCommand", "{answer}"),
    }
    Ok(())
}
