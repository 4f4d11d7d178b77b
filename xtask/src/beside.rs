//! A command of this program that runs beside another, so that both processors have something to do.

use crate::steps::{own_program, root};
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A second run of this program, what it says kept in a file until it has ended.
pub struct Beside {
    child: Child,
    log: PathBuf,
}

impl Beside {
    /// Starts it.
    pub fn start(name: &str, arguments: &[&str]) -> Result<Self> {
        Self::run(name, Command::new(own_program()?), arguments)
    }

    /// Starts it so that it only has what the other leaves of the processors.
    pub fn behind(name: &str, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(own_program()?);
        Self::run(name, command, arguments)
    }

    fn run(name: &str, mut command: Command, arguments: &[&str]) -> Result<Self> {
        let directory = root().join("target");
        fs::create_dir_all(&directory)?;
        let log = directory.join(format!("xtask-{name}.log"));
        let file = File::create(&log).with_context(|| log.display().to_string())?;
        command.args(arguments).current_dir(root());
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        Ok(Self { child: command.spawn().with_context(|| format!("{command:?} does not start"))?, log })
    }

    /// Waits for its end, and shows what it said.
    pub fn finish(mut self) -> Result<()> {
        let status = self.child.wait()?;
        print!("{}", String::from_utf8_lossy(&fs::read(&self.log)?));
        if !status.success() {
            bail!("ended with {status}; its output is above");
        }
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It has ended, or nobody waits for it any more.
        let _killed = self.child.kill();
    }
}
