//! What plain tools spend: their processor time, as the kernel adds it up for the children that were waited for.

use anyhow::{Context, Result, ensure};
use infiniservice_lab::packages::{self, Need};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Every process, with what `system_metrics` tells of one.
pub const PS: &str = "ps -eo pid,ppid,user,pcpu,rss,nlwp,stat,lstart,args";
/// Every socket of TCP and UDP, with its process.
pub const SS: &str = "ss -tunap";

/// Makes sure that the tools are there.
pub fn ensure_tools() -> Result<()> {
    packages::ensure(&[
        Need { package: "procps", probe: "ps" },
        Need { package: "iproute2", probe: "ss" },
        Need { package: "strace", probe: "strace" },
    ])
}

/// Runs a line once, step by step, its output thrown away.
pub fn run(line: &str) -> Result<Duration> {
    let begin = Instant::now();
    for step in line.split(" && ") {
        let mut words = step.split(' ');
        let mut command = Command::new(words.next().context("a tool's name")?);
        command.args(words).env("LC_ALL", "C.UTF-8").stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status()?;
        ensure!(status.success(), "{step} ended with {status}");
    }
    Ok(begin.elapsed())
}

/// Mean processor time of a line in milliseconds; nothing else may be waited for meanwhile. The kernel counts in hundredths
/// of a second, over all runs.
pub fn cpu_ms(line: &str, rounds: usize) -> Result<f64> {
    let before = waited_for_ms()?;
    for _ in 0..rounds {
        run(line)?;
    }
    Ok((waited_for_ms()? - before) / rounds.max(1) as f64)
}

/// `cutime` and `cstime` of `/proc/self/stat`, fields 16 and 17 (`proc_pid_stat(5)`).
fn waited_for_ms() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat")?;
    let ticks: f64 = fields.split_whitespace().skip(13).take(2).filter_map(|f| f.parse::<f64>().ok()).sum();
    Ok(ticks * 1e3 / rustix::param::clock_ticks_per_second() as f64)
}
