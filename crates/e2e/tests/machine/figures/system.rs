//! Processors, memory, load, uptime and names.

use crate::support::{
    Undo, around, between, equal, meanwhile, metrics, numbers, python, unchanged, with_host,
};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;

pub const SCENARIOS: &[Scenario] = &[
    ("figures::system::memory_and_swap_are_those_of_free", memory),
    ("figures::system::memory_in_use_grows_by_what_a_process_takes", memory_taken),
    ("figures::system::usage_of_each_core_is_that_of_proc_stat", cpu),
    ("figures::system::load_averages_are_the_kernels", load),
    ("figures::system::uptime_and_boot_time_are_those_of_uptime", uptime),
    ("figures::system::names_and_versions_are_the_systems_own", host),
];

/// What free tells: rows `Mem:` total, used, free, shared, cache, available; `Swap:` total, used, free.
fn memory(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "swapoff /root/lab.swap; rm -f /root/lab.swap");
    guest.sh("fallocate -l 32M /root/lab.swap && chmod 600 /root/lab.swap && mkswap -q /root/lab.swap && swapon /root/lab.swap")?;
    let (before, own, after) = with_host(guest, |client| around(guest, client, "free -k"))?;
    let (before, after, memory) = (numbers(&before), numbers(&after), own.data.system.memory);
    ensure!(before.len() == 9 && memory.swap_total_kb > 0, "{before:?}");
    equal("total", memory.total_kb as f64, before[0])?;
    // The shell and free itself take and give back some megabytes between the reads.
    between("available", before[5], memory.available_kb as f64, after[5], 16_384.0)?;
    equal("used", memory.used_kb, memory.total_kb - memory.available_kb)?;
    equal("swap total", memory.swap_total_kb as f64, before[6])?;
    between("swap used", before[7], memory.swap_used_kb as f64, after[7], 1024.0)
}

fn memory_taken(guest: &Guest) -> Result<()> {
    const TAKEN_KB: f64 = 100.0 * 1024.0;
    with_host(guest, |client| {
        let before = metrics(guest, client)?.data.system.memory.used_kb;
        let (_, _undo) = python(guest, "lab-memory", "", "block = b'x' * (100 << 20)")?;
        let after = metrics(guest, client)?.data.system.memory.used_kb;
        // Python's own 10 MB come on top, and other processes come and go.
        between("memory taken", TAKEN_KB, after as f64 - before as f64, TAKEN_KB, 20_480.0)
    })
}

/// One core is kept busy, so the figures are far from zero and differ between the cores.
fn cpu(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "systemctl stop lab-busy");
    guest.sh("systemd-run -q --unit lab-busy taskset -c 1 sh -c 'while :; do :; done'")?;
    with_host(guest, |client| {
        let read = || Ok((guest.sh("cat /proc/stat; sleep 12")?, guest.sh("cat /proc/stat")?));
        let ((before, after), own) = meanwhile(guest, client, read)?;
        let own = own.data.system.cpu;
        let told = usage(&before, &after)?;
        ensure!(told.len() == 3 && told[2] > 70.0, "the loop did not keep the core busy: {told:?}");
        let cores = [own.usage_percent].into_iter().chain(own.cores_usage.iter().copied());
        let cores: Vec<f64> = cores.collect();
        equal("number of cores", cores.len(), told.len())?;
        for (own, told) in cores.iter().zip(&told) {
            // The agent's interval is longer by the scripts' own work at both ends.
            between(&format!("usage of {told:?} in {cores:?}"), *told, *own, *told, 15.0)?;
        }
        equal("temperature without a sensor", own.temperature, None)
    })
}

/// Busy percentages of all cores and of each, between two reads of /proc/stat.
fn usage(before: &str, after: &str) -> Result<Vec<f64>> {
    let rows = |text: &str| -> Vec<Vec<f64>> {
        text.lines().filter(|line| line.starts_with("cpu")).map(numbers).collect()
    };
    let share = |(before, after): (&Vec<f64>, &Vec<f64>)| {
        let passed: Vec<f64> = after.iter().zip(before).map(|(after, before)| after - before).collect();
        let total: f64 = passed.get(..8)?.iter().sum();
        Some(100.0 * (total - passed[3] - passed[4]) / total)
    };
    rows(before).iter().zip(&rows(after)).map(share).collect::<Option<_>>().context("/proc/stat")
}

/// The kernel reckons them anew every five seconds only, so they soon stay the same around a collection.
fn load(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "systemctl stop lab-busy");
    guest.sh("systemd-run -q --unit lab-busy sh -c 'while :; do :; done'; sleep 6")?;
    let (told, own) = with_host(guest, |client| unchanged(guest, client, "cut -d' ' -f1-3 /proc/loadavg"))?;
    let load = own.data.system.load_average.context("no load average")?;
    ensure!(load.load_1min > 0.0, "{load:?}");
    equal("load", vec![load.load_1min, load.load_5min, load.load_15min], numbers(&told))
}

fn uptime(guest: &Guest) -> Result<()> {
    let (before, own, after) =
        with_host(guest, |client| around(guest, client, "cut -d' ' -f1 /proc/uptime"))?;
    let (before, after) = (numbers(&before)[0].floor(), numbers(&after)[0].ceil());
    between("uptime", before, own.data.system.uptime_seconds as f64, after, 0.0)?;
    let booted = own.data.system.host.boot_time;
    let told = guest.sh(&format!(
        "date -d {booted} +%s; date -d \"$(uptime -s)\" +%s; awk '/^btime/ {{print $2}}' /proc/stat"
    ))?;
    let [own, tool, kernel] = numbers(&told)[..] else { anyhow::bail!("{told}") };
    // Both tools subtract the uptime from a clock that is set by the network: they may differ by a second.
    between("boot time", tool, own, kernel, 1.0)
}

fn host(guest: &Guest) -> Result<()> {
    let host = with_host(guest, |client| metrics(guest, client))?.data.system.host;
    let told = guest
        .sh(". /etc/os-release; hostname; echo \"$NAME\"; echo \"$VERSION_ID\"; uname -r; uname -m; \
         cat /etc/machine-id; systemd-detect-virt; hostnamectl --static")?;
    let told: Vec<&str> = told.lines().collect();
    let own = [
        host.hostname.as_str(),
        &host.os_name,
        &host.os_version,
        &host.kernel_version,
        &host.architecture,
        host.machine_id.as_deref().unwrap_or_default(),
        host.virtualization.as_deref().unwrap_or_default(),
        &host.hostname,
    ];
    equal("names", &own[..], &told[..])
}
