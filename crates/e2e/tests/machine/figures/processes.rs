//! Processes beside `ps`.

use crate::support::{Undo, between, equal, meanwhile, metrics, numbers, processes, python, with_host};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::metrics::Process;
use std::collections::{BTreeMap, BTreeSet};

pub const SCENARIOS: &[Scenario] = &[
    ("figures::processes::all_of_them_are_those_of_ps", all),
    ("figures::processes::memory_threads_user_and_traffic_of_one_are_what_it_has", known),
    ("figures::processes::a_user_that_only_systemd_knows_has_his_name", dynamic),
    ("figures::processes::a_user_of_a_name_service_has_the_name_that_getent_tells", directory),
    ("figures::processes::a_busy_loop_takes_one_core", busy),
    ("figures::processes::of_300_the_hundred_busiest_are_told_and_the_rest_counted", many),
];

const PS: &str =
    "TZ=UTC ps -e -o pid=,ppid=,nlwp=,euser:32=,stat=,lstart=,comm=; echo ---; ps -e -ww -o pid=,args=";

/// What ps says of one process.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    ppid: u32,
    threads: u32,
    user: String,
    state: char,
    /// Hours, minutes, seconds.
    started: String,
    name: String,
}

fn told(text: &str) -> Result<BTreeMap<u32, Told>> {
    let rows = text.split("\n---\n").next().unwrap_or_default();
    rows.lines().map(|line| told_one(line).with_context(|| format!("ps: {line}"))).collect()
}

/// `  1  0  1 root Ss Mon Nov 23 07:31:02 2026 systemd`
fn told_one(line: &str) -> Option<(u32, Told)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let one = Told {
        ppid: words.get(1)?.parse().ok()?,
        threads: words.get(2)?.parse().ok()?,
        user: (*words.get(3)?).into(),
        state: words.get(4)?.chars().next()?,
        started: (*words.get(8)?).into(),
        name: words.get(10..)?.join(" "),
    };
    Some((words.first()?.parse().ok()?, one))
}

/// A process that both reads of ps have, with the same figures, must be told so; none may be invented.
fn all(guest: &Guest) -> Result<()> {
    let (before, own, after) = with_host(guest, |client| {
        let before = guest.sh(PS)?;
        let own = processes(guest, client, None)?;
        Ok((before, own, guest.sh(PS)?))
    })?;
    let texts = (before, after);
    let (before, after) = (told(&texts.0)?, told(&texts.1)?);
    let own: BTreeMap<u32, Process> = own.into_iter().map(|one| (one.pid, one)).collect();
    let settled = before.iter().filter(|(pid, one)| after.get(pid) == Some(one));
    let mut compared = 0;
    for (pid, one) in settled {
        compare(own.get(pid).with_context(|| format!("{pid} is missing: {one:?}"))?, one)?;
        compared += 1;
    }
    ensure!(compared > 40, "only {compared} processes were there before and after");
    let invented: Vec<u32> =
        own.keys().copied().filter(|pid| !before.contains_key(pid) && !after.contains_key(pid)).collect();
    ensure!(invented.len() <= 1, "told, but not by ps: {invented:?}");
    arguments(&own, &texts.0, &texts.1)
}

fn compare(own: &Process, told: &Told) -> Result<()> {
    let what = format!("process {} ({})", own.pid, told.name);
    // The agent has threads that are there for its look only.
    let threads = if told.name == "infiniservice" { told.threads } else { own.threads };
    let figures = (own.ppid, threads, own.user.as_deref().unwrap_or_default(), lasting(&own.name));
    equal(&what, figures, (told.ppid, told.threads, told.user.as_str(), lasting(&told.name)))?;
    let state = match own.status.as_str() {
        "running" => 'R',
        "sleeping" => 'S',
        "disk_sleep" => 'D',
        "stopped" => 'T',
        "zombie" => 'Z',
        "idle" => 'I',
        other => anyhow::bail!("{what}: the status {other:?} is none of the contract's"),
    };
    // Kernel threads and the agent itself come and go between sleep and work all the time.
    let awake = |state: char| matches!(state, 'R' | 'S' | 'D' | 'I');
    ensure!(state == told.state || (awake(state) && awake(told.state)), "{what}: {state}, ps says {told:?}");
    between(
        &format!("{what}: start"),
        seconds(&told.started)?,
        seconds(&own.start_time)?,
        seconds(&told.started)?,
        1.0,
    )
}

/// The part of a name that stays: a kernel worker's ends in its latest work, a dead process's in `<defunct>` at ps.
fn lasting(name: &str) -> &str {
    let worker = name.split('-').next().filter(|name| name.starts_with("kworker/"));
    worker.unwrap_or(name.trim_end_matches(" <defunct>"))
}

/// Of `07:31:02` or `2026-11-23T07:31:02.120Z`, within the day. The tests do not run around midnight for hours.
fn seconds(text: &str) -> Result<f64> {
    let time = text.rsplit('T').next().unwrap_or(text).trim_end_matches('Z');
    let parts: Vec<f64> = time.split(':').map(str::parse).collect::<Result<_, _>>()?;
    Ok(parts.iter().fold(0.0, |sum, part| sum * 60.0 + part))
}

/// The command lines that did not change, where there are any: ps shows a kernel thread's name in brackets.
fn arguments(own: &BTreeMap<u32, Process>, before: &str, after: &str) -> Result<()> {
    let rows = |text| -> BTreeSet<&str> {
        let (_, rows) = str::split_once(text, "\n---\n").unwrap_or_default();
        rows.lines().map(str::trim).collect()
    };
    let mut compared = 0;
    for row in rows(before).intersection(&rows(after)) {
        let (pid, args) = row.split_once(' ').with_context(|| format!("ps: {row}"))?;
        let one = own.get(&pid.parse()?).with_context(|| format!("{row} is missing"))?;
        match &one.cmd_line {
            None => ensure!(args.trim().starts_with('['), "no command line of {args}"),
            Some(line) => {
                equal("command line", line.trim(), args.trim())?;
                compared += 1;
            }
        }
    }
    ensure!(compared > 5, "only {compared} command lines");
    Ok(())
}

fn known(guest: &Guest) -> Result<()> {
    let program = r#"
block = b"x" * (64 << 20)
for n in range(3): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
with open("/var/tmp/lab-known", "wb") as file: file.write(b"y" * 3000000); file.flush(); os.fsync(file.fileno())
"#;
    let options = "-p User=nobody -p WorkingDirectory=/var/tmp";
    let (pid, _undo) = python(guest, "lab-known", options, program)?;
    let _file = Undo::by(guest, "rm -f /var/tmp/lab-known");
    let read = format!(
        "ps -o rss=,nlwp=,ppid= -p {pid}; awk '/^read_bytes|^write_bytes/ {{print $2}}' /proc/{pid}/io; readlink /proc/{pid}/exe"
    );
    let (told, own) = with_host(guest, |client| crate::support::unchanged(guest, client, &read))?;
    let own = own.data.processes.into_iter().find(|one| one.pid == pid).context("it is not told")?;
    let [rss, threads, parent, read, written] = numbers(&told)[..] else { anyhow::bail!("{told}") };
    // The kernel adds up a process's resident set lazily: up to 64 pages a thread are missing from one source or other.
    between("resident set", rss, own.memory_kb as f64, rss, 4.0 * 256.0)?;
    ensure!(own.memory_kb > 65_536, "{own:?}");
    equal("threads and parent", (own.threads, own.ppid), (threads as u32, parent as u32))?;
    equal("threads", own.threads, 4)?;
    equal("user", own.user.as_deref(), Some("nobody"))?;
    equal("read", own.disk_read_bytes, Some(read as u64))?;
    equal("written", own.disk_write_bytes, Some(written as u64))?;
    ensure!(own.disk_write_bytes >= Some(3_000_000), "{own:?}");
    equal("program", own.exe_path.as_deref(), told.lines().last())?;
    equal("command line", own.cmd_line.as_deref(), Some("/usr/bin/python3 /run/lab-known.py"))?;
    equal("state", own.status.as_str(), "sleeping")
}

/// The first who asks is told the number; by the next the name was found.
fn dynamic(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "systemctl stop lab-dynamic");
    guest.sh(
        "systemd-run -q --unit lab-dynamic -p Type=exec -p DynamicUser=yes -p User=lab-dynamic sleep 4242",
    )?;
    found(guest, "lab-dynamic", "sleep 4242")
}

/// nss-systemd(8) stands for a directory service: it finds users of /etc/userdb, of whom only systemd-userdbd would tell otherwise.
fn directory(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "systemctl stop lab-directory; rm -r /etc/userdb");
    guest.sh(
        "test ! -e /run/systemd/userdb/io.systemd.Multiplexer && mkdir -p /etc/userdb && cd /etc/userdb && \
        echo '{\"userName\": \"lab-directory\", \"uid\": 70001, \"gid\": 65534}' > lab-directory.user && \
        ln -s lab-directory.user 70001.user && getent passwd 70001",
    )?;
    guest.sh("systemd-run -q --unit lab-directory -p Type=exec -p User=lab-directory sleep 4343")?;
    found(guest, "lab-directory", "sleep 4343")
}

/// The one process of this unit and command line has its user's name, which is the unit's too, and not in /etc/passwd.
fn found(guest: &Guest, name: &str, line: &str) -> Result<()> {
    let pid = format!("systemctl show -p MainPID --value {name}");
    let id = guest.sh(&format!("stat -c %u /proc/$({pid})"))?;
    equal("in /etc/passwd", guest.sh(&format!("grep -c ':{id}:' /etc/passwd || true"))?.as_str(), "0")?;
    with_host(guest, |client| {
        guest.until("its name is told", |guest| {
            let own = processes(guest, client, Some(line))?;
            let user = own.first().and_then(|one| one.user.clone()).context("it is not listed")?;
            ensure!(user == id || user == name, "{user:?} is neither {id} nor its name");
            Ok(user == name)
        })
    })
}

fn busy(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "systemctl stop lab-busy");
    guest.sh("systemd-run -q --unit lab-busy taskset -c $(($(nproc) - 1)) sh -c 'while :; do :; done'")?;
    let pid: u32 = guest.sh("systemctl show -p MainPID --value lab-busy")?.parse()?;
    let read = format!("cut -d' ' -f1 /proc/uptime; cut -d' ' -f14,15 /proc/{pid}/stat");
    with_host(guest, |client| {
        let work = || Ok((numbers(&guest.sh(&format!("{read}; sleep 5"))?), numbers(&guest.sh(&read)?)));
        let ((before, after), own) = meanwhile(guest, client, work)?;
        let own = own.data.processes;
        let passed = after.first().context("no uptime")? - before[0];
        // In clock ticks of 10 ms, so in percent of a second.
        let told = (after[1] + after[2] - before[1] - before[2]) / passed;
        let first = own.first().context("no process")?;
        println!("a busy loop: {} % of a core, the kernel says {told:.1} %", first.cpu_percent);
        equal("the busiest process", first.pid, pid)?;
        // What else runs on that core takes its share, also what the system beside does there.
        ensure!(told > 20.0, "the loop did not get its core: {told}");
        // The agent's interval is a little longer.
        between("share of a core", told, first.cpu_percent, told, (told / 4.0).min(15.0))
    })
}

fn many(guest: &Guest) -> Result<()> {
    let undo = Undo::by(guest, "systemctl stop lab-many");
    guest.sh("systemd-run -q --unit lab-many -p TasksMax=infinity sh -c 'n=0; while [ $n -lt 300 ]; do sleep 1000 & n=$((n+1)); done; wait'")?;
    guest.until("they run", |guest| Ok(guest.sh("pgrep -xc sleep || true")?.parse::<u32>()? >= 300))?;
    with_host(guest, |client| {
        let count = "ls -d /proc/[0-9]* | wc -l";
        let (before, own, after) = crate::support::around(guest, client, count)?;
        let total =
            own.collection.truncated.get("processes").copied().context("nothing is said to be cut")?;
        // The shell, ls and wc are counted by themselves and not by the agent.
        between("processes", before.parse()?, f64::from(total), after.parse()?, 4.0)?;
        ensure!(total > 300, "{total}");
        equal("processes told", own.data.processes.len(), 100)?;
        let keys: Vec<_> = own.data.processes.iter().map(|one| (one.cpu_percent, one.memory_kb)).collect();
        ensure!(
            keys.is_sorted_by(|a, b| a.0 > b.0 || (a.0 >= b.0 && a.1 >= b.1)),
            "the order is wrong: {keys:?}"
        );
        equal("sleeps listed", processes(guest, client, Some("sleep 1000"))?.len() >= 300, true)
    })?;
    drop(undo);
    let later = with_host(guest, |client| metrics(guest, client))?.collection.truncated;
    ensure!(later.get("processes").is_none_or(|total| *total < 300), "{later:?}");
    Ok(())
}
