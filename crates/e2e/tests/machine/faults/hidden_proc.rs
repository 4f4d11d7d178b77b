//! `/proc` that hides others' processes, and one that hides everything but processes (proc(5), `hidepid` and `subset`).

use super::{PROCESSES, told, under};
use crate::support::{Undo, processes, with_host};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;

pub const SCENARIOS: &[Scenario] = &[
    ("faults::a_hidden_proc_hides_nothing_from_root", root),
    ("faults::a_hidden_proc_costs_an_ordinary_user_those_figures_only", ordinary_user),
];

const HIDE: &str = "mount -o remount,hidepid=invisible /proc";
const SHOW: &str = "mount -o remount,hidepid=off /proc";

fn root(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, SHOW);
    let (mut host, _) = under(guest, "hidepid", |guest| guest.sh(HIDE))?;
    host.ask(PROCESSES);
    host.settle(TIMEOUT)?;
    told("hidepid, once more", &host, host.ledger.slowest)?;
    drop(host);
    with_host(guest, |client| {
        let all = processes(guest, client, None)?;
        let init = all.iter().any(|one| one.pid == 1);
        ensure!(init && all.len() > 40, "{} processes are seen, init among them: {init}", all.len());
        Ok(())
    })
}

/// Without a port, since it is root's; it logs what it collects.
fn collected(guest: &Guest, options: &str) -> Result<String> {
    let _stop =
        Undo::by(guest, "systemctl stop lab-user; systemctl reset-failed lab-user; rm -f /run/lab-user.toml");
    guest.sh(&format!(
        "install -m 644 /dev/null /run/lab-user.toml && systemd-run -q --unit lab-user -p User=nobody {options} /opt/infiniservice/infiniservice \
         --console --no-virtio --config /run/lab-user.toml --set collection_interval_secs=1 --set initial_collection_tries=0"
    ))?;
    let log = "journalctl -b _SYSTEMD_INVOCATION_ID=$(systemctl show -p InvocationID --value lab-user) -o cat --no-pager";
    guest.until("two collections", |guest| {
        Ok(guest.sh(&format!("{log} | grep -c 'collected in' || true"))?.parse::<u32>()? >= 2)
    })?;
    let text = guest.sh(&format!("{log} | grep 'collected in' | tail -1"))?;
    println!("  {options}: {text}");
    Ok(text)
}

fn ordinary_user(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, SHOW);
    guest.sh(HIDE)?;
    let hidden = collected(guest, "")?;
    ensure!(hidden.contains("memory ") && !hidden.contains(" 0 of 0 kB"), "{hidden}");
    let nothing_but_processes = collected(guest, "-p ProtectProc=invisible -p ProcSubset=pid")?;
    ensure!(nothing_but_processes.contains(" processes"), "{nothing_but_processes}");
    Ok(())
}
