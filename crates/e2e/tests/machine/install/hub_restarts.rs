//! `infinihub` restarted, upgraded, killed and reloaded by the real systemd, with simulated guests in the machine.

use super::of_the_release;
use crate::AS_HUB_SIM;
use crate::support::{Undo, equal};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use std::fs;

pub const SCENARIOS: &[Scenario] = &[(
    "install::hub_restarts::three_restarts_during_a_job_an_upgrade_and_a_crash_keep_every_connection",
    restarts,
)];

/// Simulated guests. Four of them work at one time, a second each.
const GUESTS: usize = 16;
const SIM: &str = "/tmp/lab-hub-sim";
const UNDO: &str = "systemctl stop lab-hub-sim 2>/dev/null; rm -f /tmp/lab-hub-sim*; \
                    dpkg --purge infinihub infinictl 2>/dev/null; true";

fn restarts(guest: &Guest) -> Result<()> {
    let infinihub = of_the_release(guest, "infinihub_*.deb")?;
    let infinictl = of_the_release(guest, "infinictl_*.deb")?;
    let _undo = Undo::by(guest, UNDO.to_owned());
    guest.sh(&format!("dpkg -i {infinictl} {infinihub}"))?;
    start_guests(guest)?;
    equal("stored", stored(guest)?, GUESTS)?;
    let job =
        guest.sh("infinictl job run --vms all --max-concurrency 4 --detach -- service restart nginx")?;
    let job = job.split_whitespace().find(|word| word.starts_with("job-")).context(job.clone())?.to_owned();
    for restart in 1..=3 {
        equal("the job", job_state(guest, &job)?.as_str(), "running")?;
        guest.sh("systemctl restart infinihub")?;
        equal("kept", kept(guest)?, (restart, GUESTS))?;
    }
    guest.until("the end of the job", |guest| Ok(job_state(guest, &job)? == "finished"))?;
    // An upgrade is a restart; a reload keeps all, whatever is in the file.
    guest.sh(&format!("dpkg -i {infinihub}"))?;
    equal("kept over an upgrade", kept(guest)?, (4, GUESTS))?;
    reload(guest)?;
    crash(guest)?;
    equal("stored at the end", stored(guest)?, GUESTS)?;
    guest.sh("systemctl stop infinihub")?;
    equal("stored for nobody", stored(guest)?, 0)?;
    let lost =
        guest.sh("journalctl -b -u infinihub -o cat --no-pager | grep -c 'lost the connection' || true")?;
    equal("lost connections", lost.as_str(), "0")?;
    guest.sh("systemctl kill -s INT lab-hub-sim; while systemctl is-active -q lab-hub-sim; do :; done")?;
    // The last hub asked once more who they are: a crash leaves nothing behind that would say it.
    let said = guest.sh("tail -n 1 /tmp/lab-hub-sim.out")?;
    let (hellos, once) = (2 * GUESTS, "at most 1 in one guest");
    let wanted = format!("{GUESTS} guests: {GUESTS} connections, {hellos} hellos, {GUESTS} commands, {once}");
    equal("what the guests went through", said, wanted)
}

fn start_guests(guest: &Guest) -> Result<()> {
    guest.machine.write_file(SIM, &fs::read(std::env::current_exe()?)?)?;
    guest.sh(&format!(
        "chmod +x {SIM}; systemd-run -q --unit lab-hub-sim -E {AS_HUB_SIM}=1 -p StandardOutput=file:{SIM}.out \
         {SIM} /run/infinihub/guests --count {GUESTS} --delay 1000 --interval 5"
    ))?;
    let all = format!("{GUESTS} of {GUESTS} machines are up");
    guest.until(&all, |guest| Ok(guest.sh("infinictl list | tail -n 1")? == all))
}

/// How many descriptors systemd keeps.
fn stored(guest: &Guest) -> Result<usize> {
    guest.sh("systemctl show -P NFileDescriptorStore infinihub")?.parse().context("a number")
}

/// Restarts that were survived, and connections that the last one kept.
fn kept(guest: &Guest) -> Result<(usize, usize)> {
    let series = |name: &str| {
        let value = guest.sh(&format!("{METRICS} | sed -n 's/^{name} //p'"))?;
        value.parse::<usize>().with_context(|| format!("{name}: {value:?}"))
    };
    Ok((series("infini_hub_restarts_survived_total")?, series("infini_hub_connections_kept")?))
}

/// The machine has no curl.
const METRICS: &str = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/9756; \
                       printf \"GET /metrics HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n\" >&3; cat <&3'";

fn job_state(guest: &Guest, job: &str) -> Result<String> {
    let told = guest.sh(&format!("infinictl --json job show {job} || true"))?;
    let job: serde_json::Value = serde_json::from_str(&told).with_context(|| told.clone())?;
    job["state"].as_str().map(str::to_owned).context(told)
}

fn reload(guest: &Guest) -> Result<()> {
    let config = "/etc/infinihub/config.toml";
    guest.sh(&format!(
        "cp -p {config} {config}.was; echo 'sources = 7' >> {config}; systemctl reload infinihub"
    ))?;
    let told = "journalctl -b -u infinihub -o cat --no-pager";
    guest.until("the error", |guest| {
        Ok(guest.sh(&format!("{told} | grep -c 'those before stay in force' || true"))? == "1")
    })?;
    guest.sh(&format!("mv {config}.was {config}; systemctl reload infinihub"))?;
    guest.until("the settings", |guest| {
        Ok(guest.sh(&format!("{told} | grep -c 'nothing has changed' || true"))? == "1")
    })?;
    ensure!(guest.sh("systemctl is-active infinihub")? == "active", "it goes on");
    Ok(())
}

fn crash(guest: &Guest) -> Result<()> {
    guest.sh("systemctl kill -s KILL infinihub")?;
    let all = format!("{GUESTS} of {GUESTS} machines are up");
    guest.until(&all, |guest| Ok(guest.sh("infinictl list 2>/dev/null | tail -n 1 || true")? == all))?;
    equal("kept over a crash", kept(guest)?, (0, GUESTS))
}
