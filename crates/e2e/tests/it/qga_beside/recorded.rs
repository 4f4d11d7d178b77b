//! The recorded requests as they can be sent to two agents of this machine: with each one's own files, handles and pids.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::binary::workspace;
use infiniservice_e2e::qga::QgaHost;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Where the recorded agents had the files that requests name.
const RECORDED_FILES: &str = "/srv/probe";
/// How long a program of the requests may run.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Recorded {
    agent: String,
    tx: String,
    rx: String,
}

/// A request, and what its answer gave a number to.
pub struct Asked {
    /// The request.
    pub request: Value,
    /// The handle or pid of the recorded answer.
    given: Option<i64>,
}

/// Why a recorded request is not sent to agents of the machine that the tests run on.
fn left_out(recorded: &Recorded, request: &Value) -> Option<&'static str> {
    let arguments = &request["arguments"];
    let has_none = arguments.as_object().is_none_or(serde_json::Map::is_empty);
    match request["execute"].as_str()? {
        _ if recorded.agent.contains("libvirt") => {
            Some("changes of a machine: the table of virsh makes them")
        }
        "guest-shutdown" if arguments["mode"].as_str().is_none_or(|mode| mode == "powerdown") => {
            Some("ends it")
        }
        "guest-suspend-ram" | "guest-suspend-disk" | "guest-suspend-hybrid" if has_none => {
            Some("suspends it")
        }
        "guest-fsfreeze-freeze" => Some("freezes it"),
        "guest-fsfreeze-freeze-list" if has_none => Some("freezes it"),
        "guest-fstrim" if !arguments["minimum"].is_string() => Some("trims it"),
        "guest-set-time" if has_none || arguments["time"].as_i64().is_some_and(|time| time > 0) => {
            Some("moves its clock")
        }
        "guest-set-vcpus" if recorded.rx.contains("\"return\": 1") => Some("takes its processors away"),
        "guest-file-read" if arguments["count"].as_i64().is_some_and(|count| count > 1 << 20) => {
            Some("answers of many megabytes: the sizes have a test of their own")
        }
        "guest-set-user-password" if recorded.rx.contains("return") => Some("changes a password"),
        "guest-ssh-add-authorized-keys" if recorded.rx.contains("return") => Some("changes a user's keys"),
        _ => None,
    }
}

/// The requests in the order of the recording, without those that are no single JSON value (the replay compares framing byte
/// by byte), and how many were left out for what they do.
pub fn requests() -> Result<(Vec<Asked>, usize)> {
    let file = workspace().join("crates/qga/tests/fixtures/transcripts.jsonl");
    let (mut asked, mut without) = (Vec::new(), 0);
    for line in fs::read_to_string(&file).with_context(|| file.display().to_string())?.lines() {
        let recorded: Recorded = serde_json::from_str(line)?;
        let Ok(request) = serde_json::from_str::<Value>(&recorded.tx) else { continue };
        if left_out(&recorded, &request).is_some() {
            without += 1;
            continue;
        }
        let answer: Value =
            serde_json::from_str(recorded.rx.trim_start_matches('\u{ff}')).unwrap_or_default();
        let given = answer["return"].as_i64().or_else(|| answer["return"]["pid"].as_i64());
        asked.push(Asked { request, given });
    }
    Ok((asked, without))
}

/// One of the two agents.
pub struct Side<'a> {
    host: &'a mut QgaHost,
    files: tempfile::TempDir,
    /// Its own handles and pids in the place of the recorded ones.
    numbers: BTreeMap<i64, i64>,
    told: BTreeSet<i64>,
}

impl<'a> Side<'a> {
    pub fn of(host: &'a mut QgaHost) -> Result<Self> {
        let files = tempfile::tempdir()?;
        fill(files.path())?;
        Ok(Self { host, files, numbers: BTreeMap::new(), told: BTreeSet::new() })
    }

    /// Whether it gave a number to what the request names.
    pub fn knows(&self, asked: &Asked) -> bool {
        let numbers = ["handle", "pid"].map(|name| asked.request.pointer(&format!("/arguments/{name}")));
        let mut numbers = numbers.into_iter().flatten().filter_map(Value::as_i64);
        numbers.any(|number| self.numbers.contains_key(&number))
    }

    /// Sends it; none where a program was told of before, which `qemu-ga` does once.
    pub fn ask(&mut self, asked: &Asked) -> Result<Option<Value>> {
        let request = self.own(&asked.request)?;
        let of_a_program = request["execute"] == "guest-exec-status";
        let pid = request["arguments"]["pid"].as_i64().unwrap_or_default();
        if of_a_program && !self.told.insert(pid) {
            return Ok(None);
        }
        let end = Instant::now() + PATIENCE;
        loop {
            self.host.write(format!("{request}\n").as_bytes())?;
            let line = self.host.line()?;
            let line = line.strip_prefix(b"\xff").unwrap_or(&line);
            let answer: Value = serde_json::from_slice(line)?;
            if of_a_program && answer["return"]["exited"] == false {
                ensure!(Instant::now() < end, "{request} is not over");
                continue;
            }
            self.note(asked, &request, &answer);
            return Ok(Some(answer));
        }
    }

    /// The request with this agent's own files and numbers.
    fn own(&self, request: &Value) -> Result<Value> {
        let text = request.to_string().replace(RECORDED_FILES, &self.files.path().to_string_lossy());
        let mut request: Value = serde_json::from_str(&text)?;
        for name in ["handle", "pid"] {
            let Some(number) = request.pointer_mut(&format!("/arguments/{name}")) else { continue };
            if let Some(own) = number.as_i64().and_then(|number| self.numbers.get(&number)) {
                *number = (*own).into();
            }
        }
        Ok(request)
    }

    fn note(&mut self, asked: &Asked, request: &Value, answer: &Value) {
        let own = match request["execute"].as_str() {
            Some("guest-file-open") => answer["return"].as_i64(),
            Some("guest-exec") => answer["return"]["pid"].as_i64(),
            _ => None,
        };
        match (asked.given, own) {
            (Some(recorded), Some(own)) => {
                self.numbers.insert(recorded, own);
                self.told.remove(&own);
            }
            (Some(recorded), None) if is_given(&request["execute"]) => drop(self.numbers.remove(&recorded)),
            _ => {}
        }
    }
}

/// Whether the answer to this command gives a number that later requests name.
fn is_given(command: &Value) -> bool {
    command == "guest-file-open" || command == "guest-exec"
}

/// What the recorded agents had there.
fn fill(directory: &Path) -> Result<()> {
    fs::write(directory.join("a"), "0123456789")?;
    fs::write(directory.join("sixty"), [b'x'; 60])?;
    fs::write(directory.join("big"), vec![b'y'; 10_000])?;
    fs::write(directory.join("modes"), "")?;
    let fifo = directory.join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0)?;
    Ok(())
}
