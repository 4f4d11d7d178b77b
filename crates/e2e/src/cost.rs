//! What the agent costs its guest, as the guest's kernel counts it.

use crate::Guest;
use anyhow::{Context, Result, ensure};

/// Clock ticks a second in `/proc/PID/stat` (`sysconf(_SC_CLK_TCK)`).
const TICKS: f64 = 100.0;

/// Figures of the agent's process at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Processor time in user and kernel, seconds.
    pub cpu_secs: f64,
    /// The guest's uptime, seconds.
    pub uptime_secs: f64,
    /// Switches of context of all threads that the agent asked for: its wake-ups.
    pub wakeups: u64,
    /// Peak resident set, kB.
    pub peak_kb: u64,
    /// Resident set, kB.
    pub rss_kb: u64,
    /// Threads.
    pub threads: u64,
    /// Open descriptors.
    pub descriptors: u64,
}

/// Reads them in one go.
pub fn of_agent(guest: &Guest) -> Result<Cost> {
    let pid = guest.agent_pid()?;
    let text = guest.sh(&format!(
        "cd /proc/{pid} && cut -d' ' -f14,15 stat && cut -d' ' -f1 /proc/uptime && \
         cat task/*/status | awk '/^voluntary_ctxt/ {{n+=$2}} END {{print n}}' && \
         awk '/^VmHWM|^VmRSS|^Threads/ {{print $2}}' status && ls fd | wc -l"
    ))?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [user, system, uptime, wakeups, peak, rss, threads, descriptors] = numbers[..] else {
        anyhow::bail!("unexpected figures of process {pid}: {text}");
    };
    Ok(Cost {
        cpu_secs: (user + system) / TICKS,
        uptime_secs: uptime,
        wakeups: wakeups as u64,
        peak_kb: peak as u64,
        rss_kb: rss as u64,
        threads: threads as u64,
        descriptors: descriptors as u64,
    })
}

/// Lets the guest's own clock pass `seconds`, then tells what share of one core the agent took, and its wake-ups.
pub fn over(guest: &Guest, seconds: u32) -> Result<(f64, u64)> {
    let before = of_agent(guest)?;
    guest.sh(&format!("sleep {seconds}"))?;
    let after = of_agent(guest)?;
    let passed = after.uptime_secs - before.uptime_secs;
    ensure!(passed > 0.0, "the guest's clock stood still");
    let wakeups =
        after.wakeups.checked_sub(before.wakeups).context("another process took the agent's place")?;
    Ok(((after.cpu_secs - before.cpu_secs) / passed, wakeups))
}
