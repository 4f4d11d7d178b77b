//! The browser's process, and its protocol: JSON documents that end with a zero byte.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::command;

/// How long the browser may take for an answer, on a busy host.
const ANSWERS_WITHIN: Duration = Duration::from_mins(1);
/// Two pipes as the browser wants them: it reads from descriptor 3 and writes to 4.
const WITH_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--remote-debugging-pipe",
    // Root may not use it, and what it would guard against is not here: it reads one server, ours.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
];

#[derive(Debug)]
pub(super) struct Pipe {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    log: PathBuf,
    last_id: u64,
    pub(super) problems: Vec<String>,
}

impl Pipe {
    pub(super) fn start(profile: &Path) -> Result<Self> {
        let log = profile.join("browser.log");
        let program = command::find("chromium").context("chromium is not installed")?;
        let mut shell = command::program("sh")?;
        shell.args(["-c", WITH_PIPES]).arg(program).args(ARGUMENTS);
        shell.arg(format!("--user-data-dir={}", profile.join("profile").display()));
        // No bus of the person's who runs this is its concern.
        shell.env_remove("DBUS_SESSION_BUS_ADDRESS").env("HOME", profile);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut child = shell.spawn().context("cannot start chromium")?;
        let to = child.stdin.take().context("no pipe to chromium")?;
        let from = child.stdout.take().context("no pipe from chromium")?;
        let (sender, receiver) = channel();
        thread::Builder::new().name("browser".to_owned()).spawn(move || read_all(from, &sender))?;
        Ok(Self { child, to, from: receiver, log, last_id: 0, problems: Vec::new() })
    }

    /// Asks, and waits for the answer.
    pub(super) fn call(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> Result<Value> {
        let id = self.send(session, method, parameters)?;
        loop {
            let Ok(mut message) = self.from.recv_timeout(ANSWERS_WITHIN) else {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                bail!("{method}: chromium does not answer; it said: {log}");
            };
            if message["id"] != id {
                self.note(&message)?;
                continue;
            }
            if !message["error"].is_null() {
                bail!("{method}: {}", message["error"]["message"]);
            }
            return Ok(message["result"].take());
        }
    }

    fn send(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> Result<u64> {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).with_context(|| format!("{method}: chromium has ended"))?;
        Ok(self.last_id)
    }

    fn note(&mut self, event: &Value) -> Result<()> {
        let parameters = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" => self.problems.push(parameters["exceptionDetails"].to_string()),
            "Log.entryAdded" if parameters["entry"]["level"] == "error" => {
                self.problems.push(parameters["entry"].to_string());
            }
            "Page.javascriptDialogOpening" => {
                self.problems.push(format!("a dialogue: {}", parameters["message"]));
                // The page would wait for it for ever.
                let session = event["sessionId"].as_str().map(str::to_owned);
                let accept = json!({ "accept": true });
                self.send(session.as_deref(), "Page.handleJavaScriptDialog", &accept)?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn read_all(from: impl Read, sender: &Sender<Value>) {
    let mut from = BufReader::new(from);
    let mut bytes = Vec::new();
    while from.read_until(0, &mut bytes).is_ok_and(|count| count > 0) {
        bytes.pop();
        let message = serde_json::from_slice(&bytes).unwrap_or_default();
        bytes.clear();
        if sender.send(message).is_err() {
            return;
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // Asked, it ends its own processes, too.
        if self.send(None, "Browser.close", &json!({})).is_err() {
            let _gone_or_not = self.child.kill();
        }
        let _ended = self.child.wait();
    }
}
