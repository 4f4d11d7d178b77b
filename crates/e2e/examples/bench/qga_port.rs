//! The QEMU guest agent's protocol on the real port of an emulated machine, which tells whether the host is there: served by this
//! agent first, then by `qemu-ga`, with the same hosts.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::binary::workspace;
use infiniservice_lab::{Kind, System, payload};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Effort;
use crate::idle::Idle;
use crate::process::{self, Figures};
use crate::programs::{AS_GUEST_AGENT, Programs, QEMU_GA};
use crate::round_trip::{self, Times};
use crate::table::{Row, Table};

/// That of number 0 is the lab's own way into the machine, with the `qemu-ga` that serves it.
const NAME: &str = "org.qemu.guest_agent.1";
const UNIT: &str = "bench-qga";
/// How long an agent may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a host waits for both answers, as libvirt's and Proxmox VE's do; then it leaves, and the next one comes.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Until what a start costs is over.
const SETTLE: Duration = Duration::from_secs(15);

/// What one agent spent.
struct Side {
    away: Idle,
    before: Figures,
    visits: Times,
    unanswered: u64,
    after: Figures,
}

/// All rows of the port.
pub fn measure(programs: &Programs, effort: &Effort, table: &mut Table) -> Result<()> {
    let guest = boot(programs)?;
    let ours =
        format!("/mnt/payload/infiniservice --console --config /run/bench/ours.toml --qga-port {}", port());
    let theirs = format!("{QEMU_GA} -m virtio-serial -p {} -t /run/bench -f /run/bench/pid", port());
    let ours = side(&guest, &ours, effort).context("infiniservice")?;
    let theirs = side(&guest, &theirs, effort).context("qemu-ga")?;
    ours.away.rows("host away, real port", Some(&theirs.away), table);
    let what = "a host that connects, asks and leaves, real port";
    round_trip::rows(what, &ours.visits, &theirs.visits, true, table);
    let what = format!("of {} such hosts, without an answer within {} s", effort.visits, TIMEOUT.as_secs());
    table.row(Row::new(&what).texts(&ours.unanswered.to_string(), &theirs.unanswered.to_string()));
    let what = format!("resident set after {} such connections, kB", effort.visits);
    table.row(Row::new(&what).beside(ours.after.rss_kb, theirs.after.rss_kb));
    let each = |side: &Side| side.after.since(&side.before).cpu_secs * 1e6 / effort.visits as f64;
    let row = Row::new("processor time of such a connection, µs");
    table.row(
        row.texts(&format!("{:.0}", each(&ours)), &format!("{:.0}", each(&theirs)))
            .ratio(each(&ours) / each(&theirs)),
    );
    Ok(())
}

fn port() -> String {
    format!("/dev/virtio-ports/{NAME}")
}

/// A machine with the port, and what both agents need there.
fn boot(programs: &Programs) -> Result<Guest> {
    let directory = tempfile::tempdir()?;
    payload::fill(directory.path(), &programs.agent, &workspace().join("packaging"))?;
    let guest = Guest::of(System::boot(Kind::Machine, directory.path())?)?;
    guest.machine.unplug_agent_port()?;
    guest.machine.plug_agent_port(NAME)?;
    guest.sh("mkdir -p /run/bench")?;
    guest.machine.write_file("/run/bench/ours.toml", AS_GUEST_AGENT.as_bytes())?;
    guest.sh("chmod 600 /run/bench/ours.toml")?;
    guest.until("the port is there", |guest| {
        Ok(guest.machine.shell(&format!("test -e {}", port()))?.success())
    })?;
    Ok(guest)
}

/// Starts an agent, lets it be without a host, and then has hosts come, one after the other.
fn side(guest: &Guest, command: &str, effort: &Effort) -> Result<Side> {
    guest.sh(&format!("systemd-run -q --unit {UNIT} {command}"))?;
    let pid = guest.sh(&format!("systemctl show -p MainPID --value {UNIT}"))?.parse().context("MainPID")?;
    let socket = guest.machine.agent_socket();
    meet(&socket).with_context(|| {
        let script = format!("journalctl -b -o cat --no-pager -u {UNIT} | tail -n 20");
        guest.sh(&script).unwrap_or_else(|error| format!("{error:#}"))
    })?;
    sleep(SETTLE);
    let window = effort.window / 5;
    eprintln!("no host for {} s, then {} hosts: {command}", window.as_secs(), effort.visits);
    let first = figures(guest, pid)?;
    let start = Instant::now();
    sleep(window);
    let window = start.elapsed();
    let before = figures(guest, pid)?;
    let (mut visits, mut unanswered) = (Times::default(), 0);
    for number in 0..effort.visits {
        match visit(&socket, number, TIMEOUT) {
            Ok(taken) => visits.add(taken),
            Err(error) => {
                eprintln!("host {number}: {error}");
                unanswered += 1;
            }
        }
    }
    let after = figures(guest, pid)?;
    guest.sh(&format!("systemctl stop {UNIT}"))?;
    let away = Idle { spent: before.since(&first), window, busy_seconds: None };
    Ok(Side { away, before, visits, unanswered, after })
}

fn figures(guest: &Guest, pid: u32) -> Result<Figures> {
    process::parse(&guest.sh(&process::script(pid))?)
}

/// Comes again until somebody answers: a port that nobody has opened yet forgets what it is told.
fn meet(socket: &Path) -> Result<()> {
    let start = Instant::now();
    while visit(socket, 0, Duration::from_secs(1)).is_err() {
        ensure!(start.elapsed() < PATIENCE, "no agent answers");
    }
    Ok(())
}

/// As Proxmox VE does it: connects, sends a sync and a ping in one write, reads both answers, and leaves. The whole time.
fn visit(socket: &Path, number: usize, timeout: Duration) -> Result<Duration> {
    let begin = Instant::now();
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(timeout))?;
    let request = format!(
        "{{\"execute\":\"guest-sync-delimited\",\"arguments\":{{\"id\":{number}}}}}\n{{\"execute\":\"guest-ping\"}}\n"
    );
    stream.write_all(request.as_bytes())?;
    let (mut read, mut chunk) = (Vec::new(), [0; 4096]);
    while !is_answered(&read) {
        let count = stream.read(&mut chunk)?;
        ensure!(count > 0, "the port was closed");
        read.extend_from_slice(chunk.get(..count).unwrap_or_default());
    }
    Ok(begin.elapsed())
}

/// Whether two lines stand behind the mark.
fn is_answered(read: &[u8]) -> bool {
    let mark = read.iter().rposition(|byte| *byte == 0xff);
    mark.and_then(|at| read.get(at..)).is_some_and(|told| told.split(|byte| *byte == b'\n').count() > 2)
}
