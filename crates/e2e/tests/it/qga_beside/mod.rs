//! The agent beside the real `qemu-ga`: the same requests, and what of the answers differs.

mod beaten;
mod recorded;

use anyhow::Result;
use infiniservice_e2e::Running;
use infiniservice_e2e::binary;
use infiniservice_e2e::local::LocalAgent;
use infiniservice_e2e::qga::{QgaHost, freeze_alone};
use recorded::Side;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Places in an answer that may be in ours only, or in theirs only, each with its reason.
const ALLOWED: [&str; 3] = [
    // Since QEMU 9.1.
    "guest-get-fsinfo: .return[].total-bytes-privileged: number",
    // Where nothing failed there is no number of an error.
    "guest-set-memory-blocks: .return[].error-code: number",
    // Counters are told of interfaces without addresses too.
    "guest-network-get-interfaces: .return[].statistics",
];

/// Where answers to recorded requests may differ: a part of the request, the place, and why.
const DIFFER: [(&str, &str, &str); 7] = [
    ("\"capture-output\":\"", "", "modes by name came with QEMU 8.0, and what is told of the pid with them"),
    ("PATH=/nowhere", "", "programs are looked for in root's directories only, whatever `env` says"),
    (
        "guest-set-memory-blocks",
        ".return[].error-code",
        "where nothing failed there is no number of an error",
    ),
    (
        "guest-network-get-interfaces",
        ".return[].statistics",
        "counters are told of interfaces without addresses too",
    ),
    ("guest-get-fsinfo", ".return[].total-bytes-privileged", "since QEMU 9.1"),
    ("guest-network-get-route", "", "since QEMU 9.1"),
    ("guest-get-load", "", "since QEMU 10.0"),
];

/// Where the program is: `INFINISERVICE_QEMU_GA`, or as distributions have it.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("INFINISERVICE_QEMU_GA").map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from("/usr/sbin/qemu-ga"))).filter(|path| path.exists())
}

fn requests() -> Vec<(&'static str, Value)> {
    let read = |name| (name, Value::Null);
    vec![
        read("guest-ping"),
        read("guest-get-time"),
        read("guest-get-osinfo"),
        read("guest-get-host-name"),
        read("guest-get-timezone"),
        read("guest-get-users"),
        read("guest-get-vcpus"),
        read("guest-get-memory-blocks"),
        read("guest-get-memory-block-info"),
        read("guest-get-cpustats"),
        read("guest-get-diskstats"),
        read("guest-network-get-interfaces"),
        read("guest-get-fsinfo"),
        read("guest-get-disks"),
        read("guest-fsfreeze-status"),
        read("guest-fsfreeze-thaw"),
        read("guest-nope"),
        ("guest-get-time", json!({ "x": 1 })),
        ("guest-set-vcpus", json!({ "vcpus": [] })),
        ("guest-set-vcpus", json!({ "vcpus": [{ "logical-id": 99, "online": true }] })),
        ("guest-set-vcpus", json!({ "vcpus": [{ "logical-id": 0, "online": false }] })),
        ("guest-set-memory-blocks", json!({ "mem-blks": [{ "phys-index": 99_999, "online": true }] })),
        ("guest-shutdown", json!({ "mode": "x" })),
        ("guest-set-time", json!({ "time": -1 })),
        ("guest-file-open", json!({ "path": "/no/such" })),
        ("guest-file-open", json!({ "path": "/x", "mode": "q" })),
        ("guest-file-close", json!({ "handle": 7 })),
        ("guest-exec-status", json!({ "pid": 77 })),
        ("guest-fsfreeze-freeze-list", json!({ "mountpoints": ["/no"] })),
        ("guest-set-user-password", json!({ "username": "a:b", "password": "eA==", "crypted": false })),
    ]
}

/// Each place with its kind; texts of errors as they are.
fn shape(value: &Value, at: &str, shapes: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                shape(value, &format!("{at}.{key}"), shapes);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| shape(value, &format!("{at}[]"), shapes)),
        Value::String(text) if at.starts_with(".error") => drop(shapes.insert(format!("{at}: {text}"))),
        Value::String(_) => drop(shapes.insert(format!("{at}: text"))),
        Value::Number(_) => drop(shapes.insert(format!("{at}: number"))),
        Value::Bool(_) => drop(shapes.insert(format!("{at}: boolean"))),
        Value::Null => drop(shapes.insert(format!("{at}: null"))),
    }
}

/// An agent of each kind, each with all commands on.
struct Both {
    ours: QgaHost,
    theirs: QgaHost,
    agent: LocalAgent,
    qemu_ga: Running,
    _own: OwnedFd,
    _state: TempDir,
    _alone: File,
}

impl Both {
    fn our_pid(&self) -> u32 {
        self.agent.pid()
    }

    fn their_pid(&self) -> u32 {
        self.qemu_ga.0.id()
    }
}

/// Starts both, ours with more lines of configuration, theirs with this hook; none where there is no `qemu-ga`.
fn both(config: &str, hook: Option<&Path>) -> Result<Option<Both>> {
    let Some(program) = program() else {
        eprintln!("SKIPPED: qemu-ga is not installed");
        return Ok(None);
    };
    let alone = freeze_alone()?;
    let (mut ours, mut theirs) = (QgaHost::new()?, QgaHost::new()?);
    let config = ours.config() + "qga_commands = \"all\"\n" + config;
    let (agent, own) = LocalAgent::start(&binary::tested_agent()?, &config, &[])?;
    let state = tempfile::tempdir()?;
    let mut command = Command::new(program);
    command.args(["-m", "isa-serial", "-p", &theirs.path, "-t"]).arg(state.path());
    if let Some(hook) = hook {
        command.arg(format!("--fsfreeze-hook={}", hook.display()));
    }
    let qemu_ga = Running(command.stderr(Stdio::null()).spawn()?);
    ours.meet()?;
    theirs.meet()?;
    Ok(Some(Both { ours, theirs, agent, qemu_ga, _own: own, _state: state, _alone: alone }))
}

/// Runs with both.
fn with_both(work: impl FnOnce(&mut QgaHost, &mut QgaHost) -> Result<()>) -> Result<()> {
    let Some(mut both) = both("", None)? else { return Ok(()) };
    work(&mut both.ours, &mut both.theirs)
}

fn shapes(answer: &Value) -> BTreeSet<String> {
    let mut shapes = BTreeSet::new();
    shape(answer, "", &mut shapes);
    shapes
}

#[test]
fn answers_have_the_shape_and_the_errors_of_those_of_the_real_program() -> Result<()> {
    with_both(|ours, theirs| {
        let mut wrong = Vec::new();
        for (name, arguments) in requests() {
            let (one, other) = (shapes(&ours.ask(name, &arguments)?), shapes(&theirs.ask(name, &arguments)?));
            let differ = one.symmetric_difference(&other).map(|place| format!("{name}: {place}"));
            wrong.extend(differ.filter(|place| !ALLOWED.iter().any(|allowed| place.starts_with(allowed))));
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        Ok(())
    })
}

/// Texts of errors differ between versions; the recordings of newer ones hold them.
fn without_texts(mut answer: Value) -> Value {
    if let Some(error) = answer.get_mut("error").and_then(Value::as_object_mut) {
        error.remove("desc");
    }
    answer
}

#[test]
fn recorded_requests_are_answered_alike_by_both_in_this_machine() -> Result<()> {
    let (requests, left_out) = recorded::requests()?;
    assert!(requests.len() > 400 && left_out < 200, "{} requests, {left_out} left out", requests.len());
    with_both(|ours, theirs| {
        let (mut ours, mut theirs) = (Side::of(ours)?, Side::of(theirs)?);
        let (mut wrong, mut met) = (BTreeSet::new(), BTreeSet::new());
        for asked in &requests {
            if ours.knows(asked) != theirs.knows(asked) {
                // What only one of them gave a number to is compared where it did.
                continue;
            }
            let (Some(one), Some(other)) = (ours.ask(asked)?, theirs.ask(asked)?) else { continue };
            let (one, other) = (shapes(&without_texts(one)), shapes(&without_texts(other)));
            for place in one.symmetric_difference(&other) {
                let whose = if one.contains(place) { "ours" } else { "theirs" };
                let told = format!("{} {whose}: {place}", asked.request);
                match DIFFER.iter().position(|(part, at, _)| told.contains(part) && place.starts_with(at)) {
                    Some(at) => drop(met.insert(at)),
                    None => drop(wrong.insert(told)),
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        println!("{} requests, {left_out} left out, allowed differences met: {met:?}", requests.len());
        Ok(())
    })
}
