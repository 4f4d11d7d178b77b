//! Steps with a heading, a time, and a table at the end.

use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The workspace's root, where every step runs.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// Where cargo puts what it builds: `release`, `debug/infiniservice`.
pub fn built(path: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join(path)
}

/// Where this program is. First called at its start: a step that builds the workspace anew puts a new file in this
/// one's place, and the kernel then names the old one "… (deleted)" (proc(5), `/proc/pid/exe`).
pub fn own_program() -> Result<PathBuf> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    if let Some(program) = PROGRAM.get() {
        return Ok(program.clone());
    }
    let program = std::env::current_exe()?;
    Ok(PROGRAM.get_or_init(|| program).clone())
}

/// A program that runs in the workspace's root.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// The cargo that runs this.
pub fn cargo(arguments: &[&str]) -> Command {
    command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), arguments)
}

/// Runs `command` and fails when it does.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// What was done so far, and what of it failed.
#[derive(Default)]
pub struct Steps {
    done: Vec<Done>,
}

struct Done {
    name: String,
    took: Duration,
    /// User and system time of its programs, on all processors.
    cpu_time: Duration,
    failure: Option<String>,
}

impl Steps {
    /// Runs one step; a failure is noted and the next step still runs.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) {
        println!("\n==> {name}");
        let (start, before) = (Instant::now(), cpu_time());
        let failure = work().err().map(|error| format!("{error:#}"));
        if let Some(failure) = &failure {
            eprintln!("    failed: {failure}");
        }
        let cpu_time = cpu_time().saturating_sub(before);
        self.done.push(Done { name: name.to_owned(), took: start.elapsed(), cpu_time, failure });
    }

    /// The table; an error when a step failed.
    pub fn finish(self) -> Result<()> {
        let failed = self.done.iter().filter(|step| step.failure.is_some()).count();
        println!("\n           elapsed    CPU time");
        for step in &self.done {
            let verdict = if step.failure.is_some() { "FAILED" } else { "passed" };
            let (took, cpu_time) = (step.took.as_secs_f64(), step.cpu_time.as_secs_f64());
            println!("{verdict}  {took:>8.1} s  {cpu_time:>8.1} s  {}", step.name);
        }
        println!("\nsteps: {} passed, {failed} failed", self.done.len() - failed);
        if failed > 0 {
            bail!("{failed} of {} steps failed", self.done.len());
        }
        Ok(())
    }
}

/// User and system time of the programs that this one waited for, their own children included: `cutime` and `cstime` of
/// proc(5), `/proc/pid/stat`. Zero where there is no such file.
fn cpu_time() -> Duration {
    /// `USER_HZ` of every Linux in use.
    const TICKS_A_SECOND: u64 = 100;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may hold blanks and brackets, comes field 3; these are 16 and 17.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(13).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / TICKS_A_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_time_of_a_child_is_counted() {
        let before = cpu_time();
        run(Command::new("sh").args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]))
            .expect("runs");
        assert!(cpu_time() > before);
    }
}
