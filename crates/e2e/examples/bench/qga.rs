//! The QEMU guest agent's protocol on a pty: this agent beside `qemu-ga`, with the same requests in turns.

use anyhow::{Context, Result, ensure};
use infiniservice_lab::packages::{self, Need};
use serde_json::Value;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Effort;
use crate::idle::{self, Idle};
use crate::peer::Peer;
use crate::process::{self, Figures};
use crate::programs::{Programs, Running, start_qemu_ga};
use crate::round_trip::{self, Times};
use crate::table::{Row, Table, count, decimal};

/// What hosts ask most, the cheapest first.
const READS: [&str; 8] = [
    "guest-ping",
    "guest-info",
    "guest-get-osinfo",
    "guest-get-time",
    "guest-get-vcpus",
    "guest-get-users",
    "guest-get-fsinfo",
    "guest-network-get-interfaces",
];
/// Interfaces of a machine with many.
const INTERFACES: usize = 400;
/// What the answer with them is to stay below: oVirt's host gives each command a second.
const INTERFACES_MS: f64 = 50.0;
/// On a pty visits are so much quicker than on a real port, where `qemu-ga` sleeps after each.
const VISITS: usize = 50;
/// So many answers fill a terminal many times over.
const UNREAD: usize = 40;
/// Until what a start costs is over.
const SETTLE: Duration = Duration::from_secs(30);

/// An agent on its terminal, and its host.
type Served = (Running, Peer);

/// Both agents.
struct Pair {
    ours: Served,
    theirs: Served,
}

impl Pair {
    /// Starts both and meets them; `wrapper` as in [`Programs::start_guest_agent`].
    fn start(programs: &Programs, wrapper: &[&str]) -> Result<Self> {
        let mut pair = Self { ours: programs.start_guest_agent(wrapper)?, theirs: start_qemu_ga(wrapper)? };
        let ping = round_trip::guest_ping(0).0;
        pair.ours.1.greet(&ping)?;
        pair.theirs.1.greet(&ping)?;
        Ok(pair)
    }

    fn pids(&self) -> [u32; 2] {
        [self.ours.0.pid(), self.theirs.0.pid()]
    }

    /// Times of a command by both, in turns, and their last answers.
    fn ask(&mut self, command: &str, rounds: usize) -> Result<[(Times, String); 2]> {
        let request = format!(r#"{{"execute":"{command}"}}"#);
        let (mut ours, mut theirs) = <(Times, Times)>::default();
        let (mut our_answer, mut their_answer) = <(String, String)>::default();
        for _ in 0..rounds {
            let (taken, answer) = self.ours.1.exchange(&request, r#""return""#)?;
            ours.add(taken);
            our_answer = answer;
            let (taken, answer) = self.theirs.1.exchange(&request, r#""return""#)?;
            theirs.add(taken);
            their_answer = answer;
        }
        Ok([(ours, our_answer), (theirs, their_answer)])
    }
}

/// All rows of the pty.
pub fn measure(programs: &Programs, effort: &Effort, table: &mut Table) -> Result<()> {
    let mut pair = Pair::start(programs, &[])?;
    silent(&pair, effort, table)?;
    round_trips(&mut pair, effort, table)?;
    visits(&mut pair, effort, table)?;
    unread(&mut pair, effort, table)?;
    drop(pair);
    interfaces(programs, effort, table)
}

/// What both spend while their hosts do nothing.
fn watch(pair: &Pair, window: Duration) -> Result<[Idle; 2]> {
    idle::watch(pair.pids(), window, |end: Instant| {
        sleep(end.saturating_duration_since(Instant::now()));
        Ok(())
    })
}

/// The host is there and asks nothing.
fn silent(pair: &Pair, effort: &Effort, table: &mut Table) -> Result<()> {
    sleep(SETTLE);
    eprintln!("a silent host for {} s", effort.window.as_secs() / 5);
    let [ours, theirs] = watch(pair, effort.window / 5)?;
    ours.memory_rows(&theirs, table);
    ours.rows("silent host", Some(&theirs), table);
    Ok(())
}

fn round_trips(pair: &mut Pair, effort: &Effort, table: &mut Table) -> Result<()> {
    for command in READS {
        let [our_first, their_first] = figures(pair)?;
        let [(ours, _), (theirs, _)] = pair.ask(command, rounds(effort))?;
        let [our_last, their_last] = figures(pair)?;
        round_trip::rows(&format!("round trip of {command}"), &ours, &theirs, true, table);
        let each = |first, last: &Figures| last.since(first).cpu_secs * 1e6 / rounds(effort) as f64;
        let (ours, theirs) = (each(&our_first, &our_last), each(&their_first, &their_last));
        let row = Row::new(&format!("processor time of {command}, µs"));
        table.row(row.texts(&count(ours), &count(theirs)).ratio(ours / theirs));
    }
    let [ours, theirs] = figures(pair)?;
    table.row(Row::new("peak resident set after them, kB").beside(ours.peak_kb, theirs.peak_kb));
    Ok(())
}

/// Of each command: there are eight of them.
fn rounds(effort: &Effort) -> usize {
    effort.round_trips * 2 / 5
}

fn figures(pair: &Pair) -> Result<[Figures; 2]> {
    let [ours, theirs] = pair.pids();
    Ok([process::of(ours)?, process::of(theirs)?])
}

/// Hosts that come, ask and go as Proxmox VE does it: a sync and a command in one write.
fn visits(pair: &mut Pair, effort: &Effort, table: &mut Table) -> Result<()> {
    let (count, before) = (VISITS * effort.visits, figures(pair)?);
    for number in 0..count {
        let sync = format!(r#"{{"execute":"guest-sync-delimited","arguments":{{"id":{number}}}}}"#);
        for peer in [&mut pair.ours.1, &mut pair.theirs.1] {
            peer.send(format!("{sync}\n{}\n", round_trip::guest_ping(0).0).as_bytes())?;
            peer.receive(&format!("{number}}}"))?;
            peer.receive(r#""return""#)?;
        }
    }
    for (when, [ours, theirs]) in [("before", before), ("after", figures(pair)?)] {
        let row = Row::new(&format!("resident set {when} {count} visits of hosts, kB"));
        table.row(row.beside(ours.rss_kb, theirs.rss_kb));
    }
    Ok(())
}

/// The host asked for much, and reads nothing of it.
fn unread(pair: &mut Pair, effort: &Effort, table: &mut Table) -> Result<()> {
    let requests = "{\"execute\":\"guest-info\"}\n".repeat(UNREAD);
    for peer in [&mut pair.ours.1, &mut pair.theirs.1] {
        peer.send(requests.as_bytes())?;
    }
    eprintln!("a host that does not read for {} s", effort.window.as_secs() / 5);
    let [ours, theirs] = watch(pair, effort.window / 5)?;
    ours.rows("host that does not read", Some(&theirs), table);
    // What was asked is answered all the same, once the host reads.
    for peer in [&mut pair.ours.1, &mut pair.theirs.1] {
        for _ in 0..UNREAD {
            peer.receive(r#""return""#)?;
        }
    }
    Ok(())
}

/// Each runs in a network of its own, with the same interfaces and an address on each.
fn interfaces(programs: &Programs, effort: &Effort, table: &mut Table) -> Result<()> {
    packages::ensure(&[Need { package: "iproute2", probe: "ip" }])?;
    // Two ends of a cable are two interfaces.
    let script = format!(
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin; for i in $(seq {}); do echo \"link add d$i type veth peer name e$i\"; \
         for end in d e; do echo \"addr add 10.$((i / 250)).$((i % 250)).1/24 dev $end$i\"; \
         echo \"link set $end$i up\"; done; done | ip -batch - && exec \"$@\"",
        INTERFACES / 2
    );
    let wrapper = ["/usr/bin/unshare", "--net", "--", "/bin/sh", "-ec", &script, "sh"];
    let mut pair = Pair::start(programs, &wrapper)?;
    let [(ours, our_answer), (theirs, their_answer)] =
        pair.ask("guest-network-get-interfaces", rounds(effort) / 20)?;
    for answer in [&our_answer, &their_answer] {
        ensure!(listed(answer)? > INTERFACES, "interfaces are missing: {answer:.300}");
    }
    let what = format!("guest-network-get-interfaces of {INTERFACES} interfaces");
    round_trip::rows(&what, &ours, &theirs, true, table);
    let slowest = ours.quantile(1.0).as_secs_f64() * 1e3;
    let row = Row::new(&format!("{what}, the slowest, ms"));
    let others = theirs.quantile(1.0).as_secs_f64() * 1e3;
    let row = row.texts(&decimal(slowest), &decimal(others)).ratio(slowest / others);
    table.row(row.reached(&format!("< {INTERFACES_MS} ms"), slowest < INTERFACES_MS));
    let kilobytes = |answer: &str| decimal(answer.len() as f64 / 1e3);
    table.row(Row::new("size of that answer, kB").texts(&kilobytes(&our_answer), &kilobytes(&their_answer)));
    Ok(())
}

fn listed(answer: &str) -> Result<usize> {
    let answer: Value = serde_json::from_str(answer)?;
    Ok(answer["return"].as_array().context("a list of interfaces")?.len())
}
