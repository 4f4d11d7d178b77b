//! `cargo xtask under-wine PROGRAM`: what cargo runs a Windows program by.

use anyhow::{Result, bail};
use clap::Args;
use infiniservice_lab::packages;
use infiniservice_lab::wine::Prefix;
use std::path::PathBuf;

/// Run a Windows program under Wine, in a prefix of its own
#[derive(Args)]
#[command(hide = true)]
pub struct UnderWine {
    program: PathBuf,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl UnderWine {
    /// Runs it to its end; what it says goes where this says its own.
    pub fn run(&self) -> Result<()> {
        packages::ensure(packages::WINE)?;
        let prefix = Prefix::create(0)?;
        let program = prefix.install(&self.program)?;
        let status = prefix.command(&program)?.args(&self.arguments).status()?;
        if !status.success() {
            bail!("{} ended with {status}", self.program.display());
        }
        Ok(())
    }
}
