//! A program that is measured, and what it has cost.

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Kernel ticks a second (`USER_HZ`) in /proc/PID/stat.
const TICKS: f64 = 100.0;

/// A process that ends with this.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _ended = self.0.wait();
    }
}

impl Running {
    /// Starts it; what it says goes to this file, or nowhere.
    pub fn start(command: &mut Command, log: Option<&Path>) -> Result<Self> {
        let output = match log {
            None => Stdio::null(),
            Some(path) => std::fs::File::create(path)?.into(),
        };
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output).spawn();
        Ok(Self(child.with_context(|| format!("{command:?}"))?))
    }

    /// A file of it below /proc.
    #[allow(dead_code, reason = "not every program that uses this needs it")]
    pub fn file(&self, name: &str) -> PathBuf {
        file(self.0.id(), name)
    }

    /// Processor time so far, of all its threads.
    pub fn cpu(&self) -> Result<Duration> {
        cpu(self.0.id())
    }

    /// See [`memory`].
    pub fn memory(&self, line: &str) -> Result<f64> {
        memory(self.0.id(), line)
    }
}

fn file(pid: u32, name: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(name)
}

/// Processor time of a process so far, of all its threads.
pub fn cpu(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(file(pid, "stat"))?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: f64 = fields.filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(Duration::from_secs_f64(ticks / TICKS))
}

/// A line of a process's /proc/PID/status that is in kB, such as `VmRSS` or `VmHWM`, in MB of 10^6 bytes.
pub fn memory(pid: u32, line: &str) -> Result<f64> {
    let status = std::fs::read_to_string(file(pid, "status"))?;
    let value = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':'));
    let kb: f64 = value.context("no such line")?.trim().trim_end_matches(" kB").parse()?;
    Ok(kb * 1024.0 / 1e6)
}
