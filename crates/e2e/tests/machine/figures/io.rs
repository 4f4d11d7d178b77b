//! Traffic of the block devices beside /proc/diskstats.

use crate::support::{Undo, around, between, meanwhile, numbers, with_host};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;

pub const SCENARIOS: &[Scenario] = &[
    ("figures::io::bytes_since_boot_are_those_of_diskstats", totals),
    ("figures::io::rates_are_those_of_what_was_read_and_written", rates),
];

/// Bytes read and written, reads and writes, of the whole disks: loop devices lie on top of them.
const DISKSTATS: &str = "awk '$3 ~ /^(vd|ubd)[a-z]$/ {r+=$6; w+=$10; a+=$4; b+=$8} END {printf \"%d %d %d %d\", r*512, w*512, a, b}' /proc/diskstats";

fn totals(guest: &Guest) -> Result<()> {
    let (before, own, after) = with_host(guest, |client| around(guest, client, DISKSTATS))?;
    let (before, after, own) = (numbers(&before), numbers(&after), own.data.system.disk.io_stats);
    ensure!(before[0] > 1e6 && before[1] > 0.0, "{before:?}");
    between("bytes read", before[0], own.read_bytes as f64, after[0], 0.0)?;
    between("bytes written", before[1], own.write_bytes as f64, after[1], 0.0)
}

fn rates(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "systemctl stop lab-io; rm -f /root/lab.io");
    guest.sh("head -c 20000000 /dev/urandom > /root/lab.io; sync")?;
    guest.sh("systemd-run -q --unit lab-io sh -c 'while :; do dd if=/root/lab.io of=/dev/null bs=64k iflag=direct; \
        dd if=/dev/zero of=/root/lab.io bs=64k count=64 conv=notrunc oflag=direct; done'")?;
    with_host(guest, |client| {
        let read = format!("cut -d' ' -f1 /proc/uptime; {DISKSTATS}");
        let work = || Ok((numbers(&guest.sh(&format!("{read}; sleep 8"))?), numbers(&guest.sh(&read)?)));
        let ((before, after), own) = meanwhile(guest, client, work)?;
        let own = own.data.system.disk.io_stats;
        let rate = |at: usize| -> Result<f64> {
            let passed = after.first().context("no uptime")? - before[0];
            Ok((after[at] - before[at]) / passed)
        };
        let told = [rate(1)?, rate(2)?, rate(3)?, rate(4)?];
        let own_rates =
            [own.read_bytes_per_sec, own.write_bytes_per_sec, own.read_ops_per_sec, own.write_ops_per_sec];
        println!("per second: {own_rates:?}, /proc/diskstats {told:?}");
        for (own, told) in own_rates.into_iter().zip(told) {
            ensure!(told > 0.0, "nothing was read and written");
            // The load is not even, and the agent's interval is longer at both ends.
            between("a rate", told, own, told, told / 2.0)?;
        }
        between("utilisation", 20.0, own.io_utilization_percent, 100.0, 0.0)
    })
}
