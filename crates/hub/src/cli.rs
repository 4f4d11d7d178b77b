//! The command line.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// What the program is.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The daemon of a host: holds the sockets of its guests
    #[default]
    Hub,
    /// Serves the metrics of all machines of a fleet, as its hubs tell them; needs the settings fleet and listen
    Exporter,
}

/// Holds the sockets of all guests of this host, and lets many clients share them.
#[derive(Parser, Clone, Debug)]
#[command(name = "infinihub", version, about)]
pub struct Cli {
    /// Configuration file [default: /etc/infinihub/config.toml if it exists]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// What to be
    #[arg(long, value_enum, default_value_t)]
    pub role: Role,
    /// Show which sockets exist, which programs hold them (an exporter: which hubs tell figures) and what is wrong, then exit;
    /// exit code 0 if nothing is wrong
    #[arg(long, conflicts_with = "print_config")]
    pub diagnose: bool,
    /// Print the settings in force as TOML, then exit
    #[arg(long)]
    pub print_config: bool,
}
