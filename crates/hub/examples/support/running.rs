//! A program that is measured, and what it has cost.

use anyhow::{Context as _, Result};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Kernel ticks a second (`USER_HZ`) in /proc/PID/stat.
const TICKS: f64 = 100.0;

/// A process, by its id.
#[derive(Clone, Copy)]
pub struct Process(pub u32);

/// A process that ends with this.
pub struct Running {
    child: Child,
    process: Process,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _ended = self.child.wait();
    }
}

impl Deref for Running {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
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
        let child = child.with_context(|| format!("{command:?}"))?;
        let process = Process(child.id());
        Ok(Self { child, process })
    }
}

impl Process {
    /// A file of it below /proc.
    pub fn file(self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.0.to_string()).join(name)
    }

    /// Processor time so far, of all its threads.
    pub fn cpu(self) -> Result<Duration> {
        let stat = std::fs::read_to_string(self.file("stat"))?;
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        let ticks: f64 = fields.filter_map(|field| field.parse::<f64>().ok()).sum();
        Ok(Duration::from_secs_f64(ticks / TICKS))
    }

    /// A line of /proc/PID/status that is in kB, such as `VmRSS` or `VmHWM`, in MB of 10^6 bytes.
    pub fn memory(self, line: &str) -> Result<f64> {
        let status = std::fs::read_to_string(self.file("status"))?;
        let value = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':'));
        let kb: f64 = value.context("no such line")?.trim().trim_end_matches(" kB").parse()?;
        Ok(kb * 1024.0 / 1e6)
    }
}
