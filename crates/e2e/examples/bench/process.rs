//! A process's cost as its kernel counts it, for all of its threads.

use anyhow::{Context, Result};
use std::fs;

/// Figures at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Resident set, kB.
    pub rss_kb: u64,
    /// Its peak, kB.
    pub peak_kb: u64,
    /// Threads.
    pub threads: u64,
    /// Waits that ended: switches of context that the process asked for.
    pub wakeups: u64,
    /// Switches that the kernel forced upon it: other programs' noise.
    pub preemptions: u64,
    /// Time on a processor, seconds.
    pub cpu_secs: f64,
}

/// What a shell in a guest has to run for [`parse`].
pub fn script(pid: u32) -> String {
    format!("cat /proc/{pid}/task/*/status /proc/{pid}/task/*/schedstat")
}

/// Of a process of this machine.
pub fn of(pid: u32) -> Result<Figures> {
    let mut text = String::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        for file in ["status", "schedstat"] {
            text += &fs::read_to_string(task.path().join(file)).unwrap_or_default();
        }
    }
    parse(&text).with_context(|| format!("process {pid}"))
}

/// Reads `status` and `schedstat` (`Documentation/scheduler/sched-stats.rst`: nanoseconds on a processor come first)
/// of all threads, in any order.
pub fn parse(text: &str) -> Result<Figures> {
    let mut figures = Figures::default();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(Ok(value))) = (words.next(), words.next().map(str::parse::<u64>)) else {
            continue;
        };
        match name {
            "VmRSS:" => figures.rss_kb = value,
            "VmHWM:" => figures.peak_kb = value,
            "Threads:" => figures.threads = value,
            "voluntary_ctxt_switches:" => figures.wakeups += value,
            "nonvoluntary_ctxt_switches:" => figures.preemptions += value,
            number => figures.cpu_secs += number.parse::<u64>().map_or(0.0, |nanos| nanos as f64 / 1e9),
        }
    }
    anyhow::ensure!(figures.rss_kb > 0, "no figures in: {text}");
    Ok(figures)
}

impl Figures {
    /// What was spent since `before`.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            wakeups: self.wakeups.saturating_sub(before.wakeups),
            preemptions: self.preemptions.saturating_sub(before.preemptions),
            cpu_secs: self.cpu_secs - before.cpu_secs,
            ..*self
        }
    }
}
