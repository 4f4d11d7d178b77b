//! A running program of a prefix, as its host sees it: a process like any other.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// Clock ticks a second in `/proc/PID/stat` (`sysconf(_SC_CLK_TCK)`).
const TICKS: f64 = 100.0;

/// A program that was started and is ended with this value.
#[derive(Debug)]
pub struct Running {
    child: Child,
}

impl Running {
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        Ok(Self { child: command.spawn().context("wine does not start")? })
    }

    /// Whether it has not ended yet.
    ///
    /// # Errors
    /// The system cannot tell.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Presses Ctrl-C: SIGINT, of which Wine makes that event.
    ///
    /// # Errors
    /// It has ended.
    pub fn press_ctrl_c(&self) -> Result<()> {
        let pid = Pid::from_raw(self.child.id().cast_signed()).context("a process has a number")?;
        Ok(kill_process(pid, Signal::INT)?)
    }

    /// Waits for its end, for at most `timeout`.
    ///
    /// # Errors
    /// It has not ended by then.
    pub fn wait(mut self, timeout: Duration) -> Result<ExitStatus> {
        let (tell, ended) = mpsc::channel();
        let pid = Pid::from_raw(self.child.id().cast_signed()).context("a process has a number")?;
        std::thread::scope(|scope| {
            let child = &mut self.child;
            scope.spawn(move || tell.send(child.wait()));
            match ended.recv_timeout(timeout) {
                Ok(status) => Ok(status?),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    kill_process(pid, Signal::KILL)?;
                    bail!("it has not ended within {timeout:?}")
                }
            }
        })
    }

    /// Processor time that it took so far, in seconds.
    ///
    /// # Errors
    /// It has ended.
    pub fn cpu_secs(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace()).context("stat")?;
        let ticks: Vec<f64> = fields.skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
        Ok(ticks.iter().sum::<f64>() / TICKS)
    }

    /// Resident set, in kB.
    ///
    /// # Errors
    /// It has ended.
    pub fn rss_kb(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        line.trim().trim_end_matches(" kB").parse().context("VmRSS")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, or it is to end.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}
