//! `Autochecks` under strain: memory, swap, pressure, load, and a process that the kernel ends.

use super::{checked, expect, of, one};
use crate::support::{Undo, with_host};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::data::{Check, CheckStatus};

pub const SCENARIOS: &[Scenario] = &[
    ("autochecks::want_of_memory_full_swap_pressure_and_load_are_each_found", strain),
    ("autochecks::an_oom_kill_is_counted_and_its_victim_named", oom_kill),
];

/// Takes what is available up to so many MB, and holds it.
const BALLAST: &str = r#"
import sys, time
def available():
    for line in open("/proc/meminfo"):
        if line.startswith("MemAvailable"): return int(line.split()[1]) >> 10
held = []
while available() > int(sys.argv[1]): held.append(bytearray(b"x") * (4 << 20))
time.sleep(1000)
"#;

/// Four processes that touch more than their control group may hold: what is over, about 60 MB, goes to the swap space, and they
/// wait. It must fill nine tenths of that and no more: where nothing is left, the kernel ends one, and the unit with it.
const THRASH: &str = r"
import os
os.fork(); os.fork()
block = bytearray(20 << 20)
while True:
    for at in range(0, len(block), 4096): block[at] ^= 1
";

/// Threads that wait for a frozen file system count as load without costing any.
const WAITERS: &str = r#"
import os, threading
threading.stack_size(65536)
for n in range(150): threading.Thread(target=os.mkdir, args=("/srv/lab-frozen/%d" % n,)).start()
"#;

const START: &str = "\
    dd if=/dev/zero of=/var/lib/lab-swap bs=1M count=64 status=none && chmod 600 /var/lib/lab-swap && \
    mkswap -q /var/lib/lab-swap && swapon /var/lib/lab-swap && \
    mkdir -p /srv/lab-frozen && truncate -s 4M /var/tmp/lab-frozen.img && mkfs.ext4 -q -O ^has_journal /var/tmp/lab-frozen.img && \
    mount -o loop /var/tmp/lab-frozen.img /srv/lab-frozen && fsfreeze -f /srv/lab-frozen && \
    systemd-run -q --unit lab-waiters python3 /run/lab-waiters.py && \
    systemd-run -q --unit lab-thrash -p MemoryMax=32M python3 /run/lab-thrash.py && \
    systemd-run -q --unit lab-ballast -p MemorySwapMax=0 python3 /run/lab-ballast.py 55";
const STOP: &str = "fsfreeze -u /srv/lab-frozen; systemctl kill -s KILL lab-thrash lab-ballast lab-waiters; \
    swapoff /var/lib/lab-swap; umount /srv/lab-frozen; systemctl reset-failed lab-thrash lab-ballast lab-waiters; \
    rm -rf /srv/lab-frozen /var/lib/lab-swap /var/tmp/lab-frozen.img /run/lab-ballast.py /run/lab-thrash.py /run/lab-waiters.py";

/// Whether it is there by what the kernel's own files say, so that the checks are asked once only; and their figures.
const REACHED: &str = r#"awk '
    FILENAME ~ "meminfo" { m[$1] = $2 }
    FILENAME ~ "loadavg" { load = $2 }
    FILENAME ~ "pressure" && $1 == "some" { split($3, p, "=") }
    END {
        print (m["MemAvailable:"] < 60000 && m["SwapFree:"] < 0.15 * m["SwapTotal:"] && load > 4.5 && p[2] > 11), \
            "available", m["MemAvailable:"], "swap", m["SwapFree:"], m["SwapTotal:"], "load", load, "waited", p[2]
    }
' /proc/meminfo /proc/loadavg /proc/pressure/memory"#;

fn strain(guest: &Guest) -> Result<()> {
    for (name, program) in [("ballast", BALLAST), ("thrash", THRASH), ("waiters", WAITERS)] {
        guest.machine.write_file(&format!("/run/lab-{name}.py"), program.as_bytes())?;
    }
    let undo = Undo::by(guest, STOP);
    guest.sh(START)?;
    let names = ["memory", "memory_pressure", "swap", "cpu_load"];
    let (data, killed) = with_host(guest, |client| {
        guest
            .until("the strain is there", |guest| Ok(guest.sh(REACHED)?.starts_with("1 ")))
            .with_context(|| guest.sh(REACHED).unwrap_or_default())?;
        Ok((checked(guest, client, &names)?, one(guest, client, "oom_kills")?))
    })?;
    let bad = |name: &str, words: &str| {
        let check = of(&data, name)?;
        ensure!(matches!(check.status, CheckStatus::Warning | CheckStatus::Failed), "{check:?}");
        ensure!(check.remediation.is_some() && check.message.contains(words), "{check:?}");
        anyhow::Ok(())
    };
    bad("memory", "of the memory is used")?;
    bad("memory_pressure", "programs waited for memory")?;
    bad("swap", "of the swap space is used")?;
    bad("cpu_load", "on 2 processor(s)")?;
    expect(&killed, CheckStatus::Passed, "no process")?;
    drop(undo);
    let after = with_host(guest, |client| checked(guest, client, &["memory", "swap"]))?;
    expect(of(&after, "memory")?, CheckStatus::Passed, "")?;
    expect(of(&after, "swap")?, CheckStatus::Passed, "no swap space")
}

fn oom_kill(guest: &Guest) -> Result<()> {
    with_host(guest, |client| {
        let before = one(guest, client, "oom_kills")?;
        let count = |check: &Check| check.details["kill_count"].as_u64().unwrap_or(u64::MAX);
        // tail keeps a line without an end in memory.
        guest.sh(
            "systemd-run -q --wait --unit lab-hog -p MemoryMax=16M -p MemorySwapMax=0 -p OOMPolicy=continue \
             sh -c 'head -c 200M /dev/zero | tail' || true; systemctl reset-failed lab-hog 2>/dev/null || true",
        )?;
        guest.until("the kernel's log holds the kill", |guest| {
            Ok(guest.sh("journalctl -k -b --no-pager | grep -c 'Killed process' || true")? != "0")
        })?;
        let after = one(guest, client, "oom_kills")?;
        ensure!(count(&after) > count(&before), "{before:?} then {after:?}");
        expect(&after, CheckStatus::Warning, "tail")
    })
}
