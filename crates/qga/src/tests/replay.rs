//! Every recorded request, answered by this session with a guest that gives what the recorded one gave.
//!
//! The guest gives results, and errors of the system; all else is the session's own. So a difference is one of reading,
//! checking, policy, freeze, order or types. Results must be the recorded ones to the last value.

use super::guest::Guest;
use super::replies::reply;
use crate::table::Platform;
use crate::{Error, Event, FreezeState, Policy, PortEvent};
use serde::Deserialize;
use serde_json::Value;

/// One exchange. Both texts stand for bytes of the same numbers.
#[derive(Deserialize)]
pub struct Recorded {
    pub agent: String,
    pub case: String,
    pub tx: String,
    pub rx: String,
}

const FILE: &str = include_str!("../../tests/fixtures/transcripts.jsonl");

/// Where an answer differs on purpose: part of the agent's version, the case, and why.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("", "FF then sync delimited", SILENT),
    ("7.2", "after depth", SILENT),
    ("", "torn in object: FF sync", SILENT),
    ("", "pty: 0xFF and sync-delimited", SILENT),
    ("", "single quotes", "no client sends them, and they are no JSON"),
    ("", "raw NUL byte", "one error for a request that could not be read, where qemu-ga gives two"),
    ("", "next connection after a torn one", TORN),
    ("", "torn in object: next", TORN),
    ("7.2", "guest-get-load", NEWER),
    ("7.2", "guest-network-get-route", NEWER),
    ("", "blocked: ping", BLIND),
    ("", "blocked: info", BLIND),
    ("", "blocked sync", BLIND),
    ("", "not in allow list: info", BLIND),
    ("", "not in allow list: sync", BLIND),
    ("", "list with a space", BLIND),
];

const SILENT: &str =
    "0xFF is answered by no error where nothing was pending: qemu-ga's own test calls that a fault";
const TORN: &str = "a host that leaves in a request takes it along: the next one is not deaf";
const NEWER: &str = "a command that came later";
const BLIND: &str = "sync, ping and info cannot be turned off: all clients would take the agent for dead";

/// Beginnings of texts that only a system can give.
const OF_THE_SYSTEM: &[&str] = &[
    "failed to ",
    "Could not open '",
    "handle '",
    "PID ",
    "Invalid parameter 'pid'",
    "Failed to execute child process",
    "child process has failed",
    "Guest agent command failed",
];

pub fn recordings() -> Vec<Recorded> {
    FILE.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn bytes(text: &str) -> Vec<u8> {
    let narrow: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    narrow.unwrap_or_else(|| text.as_bytes().to_vec())
}

/// An answer: whether 0xFF stands before it, and its object.
type Answer = (bool, Value);

fn answers(bytes: &[u8]) -> Vec<Answer> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let text = line.strip_prefix(b"\xff").unwrap_or(line);
            let value =
                serde_json::from_slice(text).unwrap_or_else(|e| panic!("{e}: {}", text.escape_ascii()));
            (text.len() < line.len(), value)
        })
        .collect()
}

fn policy(recorded: &Recorded) -> Policy {
    let mut policy = Policy::all(Platform::Linux);
    let unknown = match recorded.case.as_str() {
        "blocked: exec" | "old key blacklist in config" if recorded.rx.contains("disabled") => {
            policy.block(["guest-exec"])
        }
        "blocked by config" => policy.block(["guest-file-open"]),
        "blocked: ping" => policy.block(["guest-ping"]),
        "blocked: info" => policy.block(["guest-info"]),
        "blocked sync" => policy.block(["guest-sync"]),
        "list with a space" => policy.block([" guest-info"]),
        "not in allow list: info" | "not in allow list: sync" | "info with allow list" => {
            policy.allow_only(["guest-ping"])
        }
        "in both lists" => {
            policy.allow_only(["guest-exec"]);
            policy.block(["guest-exec"])
        }
        _ => Vec::new(),
    };
    assert!(unknown.is_empty());
    policy
}

fn is_frozen(recorded: &Recorded) -> bool {
    let told = recorded.rx.contains("\"frozen\"") || recorded.rx.contains("is in frozen state");
    told || recorded.case.starts_with("frozen: ")
}

fn ours(recorded: &Recorded) -> Vec<Answer> {
    let mut guest = Guest::with(policy(recorded));
    if is_frozen(recorded) {
        guest.freeze(FreezeState::Frozen);
    }
    let theirs = answers(&bytes(&recorded.rx));
    guest.tell(Event::Port(PortEvent::Read(&bytes(&recorded.tx))));
    let mut ours = answers(&guest.written());
    while let Some((token, request)) = guest.running.pop() {
        let command = serde_json::to_value(&request).unwrap();
        let name =
            command.as_str().or_else(|| command.as_object()?.keys().next().map(String::as_str)).unwrap();
        let result = result(name, theirs.get(ours.len()).map(|(_, value)| value));
        guest.tell(Event::Finished(token, result));
        ours.extend(answers(&guest.written()));
    }
    ours
}

/// What the recorded guest gave. An error that is none of the system's should have been found before.
fn result(command: &str, recorded: Option<&Value>) -> Result<crate::Reply, Error> {
    let Some(recorded) = recorded else { return Ok(crate::Reply::EMPTY) };
    if let Some(error) = recorded.get("error") {
        let error: Error = serde_json::from_value(error.clone()).unwrap();
        let given = OF_THE_SYSTEM.iter().any(|text| error.desc.starts_with(text));
        return Err(if given { error } else { Error::generic(format!("{command} was handed on")) });
    }
    Ok(reply(command, recorded["return"].clone()))
}

/// What is compared: classes and results whole, texts as far as they are promised.
fn comparable((sentinel, value): &Answer, texts: bool) -> Answer {
    let mut value = value.clone();
    if let Some(desc) = value.get("error").and_then(|error| error["desc"].as_str()) {
        let parse = desc.find("JSON parse error").map(|_| "JSON parse error".to_owned());
        let desc = parse.unwrap_or_else(|| if texts { desc.to_owned() } else { String::new() });
        value["error"]["desc"] = desc.into();
    }
    if value["return"].get("supported_commands").is_some() {
        value["return"] = info_shape(&value["return"]);
    }
    (*sentinel, value)
}

/// The list's order is free, and recordings of it are cut short.
fn info_shape(info: &Value) -> Value {
    let first = &info["supported_commands"][0];
    let keys: Vec<_> = first.as_object().unwrap().iter().map(|(key, value)| (key, kind(value))).collect();
    serde_json::json!({ "version": kind(&info["version"]), "supported_commands": keys })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::String(_) => "text",
        _ => "other",
    }
}

fn difference(recorded: &Recorded) -> Option<String> {
    let texts = !recorded.agent.starts_with("7.2");
    let compare = |all: &[Answer]| all.iter().map(|one| comparable(one, texts)).collect::<Vec<_>>();
    let (theirs, ours) = (answers(&bytes(&recorded.rx)), ours(recorded));
    let Recorded { agent, case, tx, .. } = recorded;
    let told =
        format!("{agent} | {case} | {}\n  theirs {theirs:?}\n  ours   {ours:?}", &tx[..tx.len().min(200)]);
    (compare(&theirs) != compare(&ours)).then_some(told)
}

fn allowed(recorded: &Recorded) -> Option<usize> {
    ALLOWED.iter().position(|(agent, case, _)| recorded.agent.contains(agent) && recorded.case == *case)
}

#[test]
fn recorded_requests_are_answered_as_qemu_ga_answered_them_but_for_one_list_of_differences() {
    let all = recordings();
    assert!(all.len() > 700, "{}", all.len());
    let mut met = vec![false; ALLOWED.len()];
    let mut wrong = Vec::new();
    for recorded in &all {
        let Some(told) = difference(recorded) else { continue };
        match allowed(recorded) {
            Some(at) => met[at] = true,
            None => wrong.push(told),
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), all.len(), wrong.join("\n"));
    let stale: Vec<_> = ALLOWED.iter().zip(met).filter(|(_, met)| !met).collect();
    assert!(stale.is_empty(), "allowed to differ, and do not: {stale:?}");
}
