//! What an ordinary user sends over the system bus: signals that look like systemd's, and floods of them.

use super::as_mallory;
use crate::support::{Undo, equal, send, with_host};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use serde_json::json;

pub const SCENARIOS: &[Scenario] =
    &[("hostile::forged_and_flooding_signals_of_the_bus_end_no_operation_and_take_no_memory", signals)];

/// Ends when the gate is opened.
const UNIT: &str =
    "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'read line < /run/lab-gate'\n";
const CLEAN_UP: &str = "systemctl stop lab-gate; rm -f /run/lab-gate /run/lab-signals.py \
    /run/systemd/system/lab-gate.service; systemctl daemon-reload; userdel -r mallory 2>&1";
/// Of the agent's memory, what all those signals may cost.
const MEMORY_KB: u64 = 8 << 10;

/// A client of the bus (D-Bus specification, "Message Protocol") that knows one message: `JobRemoved` as systemd sends it, to all
/// and to each name on the bus. The last line asks the bus itself: after the answer it has taken all before.
const SIGNALS: &str = r#"
import os, socket, struct, subprocess, sys
job, text = sys.argv[1], b"failed"
bus = socket.socket(socket.AF_UNIX)
bus.connect("/run/dbus/system_bus_socket")
bus.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
bus.recv(100)
bus.sendall(b"BEGIN\r\n")
serial = 0
def padded(data, to): return data + b"\0" * (-len(data) % to)
def string(value): return struct.pack("<I", len(value)) + value + b"\0"
def message(kind, body, signature, fields):
    global serial
    serial += 1
    if signature: fields = fields + [(8, b"g", signature)]
    array = b""
    for code, type, value in fields:
        array = padded(array, 8) + bytes([code, 1]) + type + b"\0"
        array += bytes([len(value)]) + value + b"\0" if type == b"g" else string(value)
    head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), serial, len(array))
    return padded(head + array, 8) + body
def call(member):
    name = b"org.freedesktop.DBus"
    bus.sendall(message(1, b"", b"", [(1, b"o", b"/org/freedesktop/DBus"), (2, b"s", name), (3, b"s", member), (6, b"s", name)]))
    own = serial
    while True:
        head = bus.recv(16, socket.MSG_WAITALL)
        kind, length, _, array = head[1], *struct.unpack("<III", head[4:])
        rest = bus.recv(-(-array // 8) * 8 + length, socket.MSG_WAITALL)
        if kind in (2, 3) and struct.pack("<I", own) in rest[:array]: return kind
def removed(to, unit=b"lab-gate.service"):
    path = f"/org/freedesktop/systemd1/job/{job}".encode()
    body = padded(padded(struct.pack("<I", int(job)) + string(path), 4) + string(unit), 4) + string(text)
    fields = [(1, b"o", b"/org/freedesktop/systemd1"), (2, b"s", b"org.freedesktop.systemd1.Manager"), (3, b"s", b"JobRemoved")]
    bus.sendall(message(4, body, b"uoss", fields + ([(6, b"s", to)] if to else [])))
call(b"Hello")
names = subprocess.run(["busctl", "list", "--unique", "--no-legend"], capture_output=True, check=True).stdout
agents = [line.split()[0] for line in names.splitlines() if b"infiniservice" in line]
for to in [None, *agents]:
    removed(to)
for to in [None, *agents]:
    for _ in range(3000): removed(to)
    for _ in range(100): removed(to, b"x" * 60000)
print(len(agents), call(b"GetId"))
"#;

fn signals(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, CLEAN_UP);
    let unit = "/run/systemd/system/lab-gate.service";
    guest.machine.write_file(unit, UNIT.as_bytes())?;
    guest.machine.write_file("/run/lab-signals.py", SIGNALS.as_bytes())?;
    guest.sh("useradd -m mallory; mkfifo /run/lab-gate; systemctl daemon-reload")?;
    with_host(guest, |client| {
        let command = json!({"action": "ServiceControl", "service": "lab-gate", "operation": "start"});
        let sent = send(guest, client, json!({"type": "SafeCommand", "command_type": command}))?;
        guest.until("its job", |guest| Ok(!guest.sh(JOB)?.is_empty()))?;
        let before = memory_kb(guest)?;
        let told = as_mallory(guest, &format!("python3 /run/lab-signals.py {}", guest.sh(JOB)?))?;
        let (agents, answer) = told.split_once(' ').context("what was sent")?;
        ensure!(agents.parse::<u32>()? >= 1 && answer == "2", "no connection of the agent's got any: {told}");
        guest.wait(client.ping(TIMEOUT))?;
        let after = memory_kb(guest)?;
        ensure!(after < before + MEMORY_KB, "{before} kB, and {after} kB after the flood");
        guest.sh("echo > /run/lab-gate")?;
        let response = sent.answer(guest)?;
        ensure!(response.success, "a forged signal was taken: {response:?}");
        equal("status", response.data["status"].as_str(), Some("exited"))
    })
}

const JOB: &str = "systemctl list-jobs --no-legend | awk '$2 == \"lab-gate.service\" { print $1 }'";

/// The most that it ever had in memory.
fn memory_kb(guest: &Guest) -> Result<u64> {
    let pid = guest.agent_pid()?;
    Ok(guest.sh(&format!("awk '/^VmHWM/ {{ print $2 }}' /proc/{pid}/status"))?.parse()?)
}
