//! `infinictl completions` and `infinictl man`.

use super::Cli;
use super::error::CliError;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::{Write, stdout};
use std::path::PathBuf;

/// Which shell.
#[derive(Args, Debug)]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Where to.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Write pages for infinictl and each subcommand into this directory instead
    #[arg(long, value_name = "PATH")]
    dir: Option<PathBuf>,
}

/// Prints the completions.
pub(super) fn completions(args: &CompletionArgs) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "infinictl", &mut script);
    Ok(stdout().lock().write_all(&script)?)
}

/// Prints the manual page, or writes all of them.
pub(super) fn man(args: &ManArgs) -> Result<(), CliError> {
    if let Some(dir) = &args.dir {
        let failed =
            |error| CliError::Failed(format!("cannot write manual pages into {}: {error}", dir.display()));
        return clap_mangen::generate_to(Cli::command(), dir).map_err(failed);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    Ok(stdout().lock().write_all(&page)?)
}
