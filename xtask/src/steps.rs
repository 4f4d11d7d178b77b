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
    done: Vec<(String, Duration, Option<String>)>,
}

impl Steps {
    /// Runs one step; a failure is noted and the next step still runs.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) {
        println!("\n==> {name}");
        let start = Instant::now();
        let failure = work().err().map(|error| format!("{error:#}"));
        if let Some(failure) = &failure {
            eprintln!("    failed: {failure}");
        }
        self.done.push((name.to_owned(), start.elapsed(), failure));
    }

    /// The table; an error when a step failed.
    pub fn finish(self) -> Result<()> {
        let failed = self.done.iter().filter(|(_, _, failure)| failure.is_some()).count();
        println!();
        for (name, time, failure) in &self.done {
            let verdict = if failure.is_some() { "FAILED" } else { "passed" };
            println!("{verdict}  {:>7.1} s  {name}", time.as_secs_f64());
        }
        println!("\nsteps: {} passed, {failed} failed", self.done.len() - failed);
        if failed > 0 {
            bail!("{failed} of {} steps failed", self.done.len());
        }
        Ok(())
    }
}
