//! The command line.

use clap::Parser;
use std::path::PathBuf;

/// Owns the sockets of all guests of this host, and serves all who want to read or command them.
#[derive(Parser, Clone, Debug)]
#[command(name = "infinihub", version, about)]
pub struct Cli {
    /// Configuration file [default: /etc/infinihub/config.toml if it exists]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Say which sockets are there, who holds them and what is wrong, then exit; 0 if nothing is
    #[arg(long, conflicts_with = "print_config")]
    pub diagnose: bool,
    /// Print the settings in force as TOML, then exit
    #[arg(long)]
    pub print_config: bool,
}
