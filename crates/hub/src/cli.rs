//! The command line.

use clap::Parser;
use std::path::PathBuf;

/// Holds the sockets of all guests of this host, and lets many clients share them.
#[derive(Parser, Clone, Debug)]
#[command(name = "infinihub", version, about)]
pub struct Cli {
    /// Configuration file [default: /etc/infinihub/config.toml if it exists]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Show which sockets exist, which programs hold them and what is wrong, then exit; exit code 0 if nothing is wrong
    #[arg(long, conflicts_with = "print_config")]
    pub diagnose: bool,
    /// Print the settings in force as TOML, then exit
    #[arg(long)]
    pub print_config: bool,
}
