//! Command line of `infiniservice`.

#[cfg(not(target_os = "windows"))]
#[path = "help_unix.rs"]
mod help;
#[cfg(target_os = "windows")]
#[path = "help_windows.rs"]
mod help;

use crate::config::FlagValue;
use clap::{ArgAction, Parser, Subcommand};
use help::AFTER_HELP;
use std::io::Write as _;
use std::path::PathBuf;

/// Guest agent: sends system metrics and heartbeats to the hypervisor's host over a virtio-serial port, and
/// runs the host's commands.
#[derive(Clone, Debug, Parser)]
#[command(name = "infiniservice", version, after_long_help = AFTER_HELP, max_term_width = 110)]
pub struct Cli {
    /// Run in the foreground, and log to standard error with times
    #[arg(long)]
    pub console: bool,
    /// Use this port instead of looking for one
    #[arg(long, value_name = "PATH")]
    pub device: Option<String>,
    /// Serve the QEMU guest agent's protocol on this port instead of looking for one
    #[arg(long, value_name = "PATH")]
    pub qga_port: Option<String>,
    /// Read settings from this file, which must exist, instead of the one under Files below
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set any setting (may be repeated)
    #[arg(long, value_name = "NAME=VALUE", action = ArgAction::Append)]
    pub set: Vec<String>,
    /// Log at level debug
    #[arg(long, conflicts_with = "log_level")]
    pub debug: bool,
    /// Log at this level: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Name of the machine, as reported to the host
    #[arg(long, value_name = "ID")]
    pub vm_id: Option<String>,
    /// For development: retry after 2 to 30 seconds instead of 5 to 300
    #[arg(long)]
    pub aggressive_retry: bool,
    /// Exit with code 3 if there is no port, instead of waiting for one
    #[arg(long, conflicts_with = "no_virtio")]
    pub require_virtio: bool,
    /// Exit with code 2 if the configuration file is invalid, instead of starting with the last valid one
    #[arg(long)]
    pub require_config: bool,
    /// Open no port: only collect metrics
    #[arg(long)]
    pub no_virtio: bool,
    /// Run any shell command that the host sends, not only the safe actions
    #[arg(long)]
    pub allow_unsafe_commands: bool,
    /// Check the channel to the host, show how to repair it, and exit
    #[arg(long)]
    pub diagnose: bool,
    /// Show each effective setting and its origin, and exit
    #[arg(long, conflicts_with = "diagnose")]
    pub print_config: bool,
    /// With --diagnose or --print-config: print JSON
    #[arg(long)]
    pub json: bool,
    /// What to do instead of running
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What else the program does.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Install, start or query the Windows service
    #[command(subcommand)]
    Service(ServiceRequest),
    /// Show the state of the running agent; exit code 0 connected, 1 not connected, 3 no agent answers
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Collect the data for a bug report in one archive, without secrets
    Bugreport {
        /// The archive, which must not exist yet
        #[arg(long, value_name = "FILE", default_value = "infiniservice-bugreport.tar.gz")]
        output: PathBuf,
    },
}

/// What the agent was started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Serve the host until told to end.
    Run,
    /// Show the settings.
    PrintConfig,
    /// Check the channel.
    Diagnose,
}

impl Cli {
    /// What to do.
    pub fn mode(&self) -> Mode {
        match (self.print_config, self.diagnose) {
            (true, _) => Mode::PrintConfig,
            (_, true) => Mode::Diagnose,
            _ => Mode::Run,
        }
    }

    /// The settings among the flags. `--set` comes first, so that a flag of its own is stronger.
    ///
    /// # Errors
    /// The first `--set` that is not `NAME=VALUE`.
    pub(crate) fn flag_values(&self) -> Result<Vec<FlagValue>, String> {
        let mut values = self.set.iter().map(|text| set_value(text)).collect::<Result<Vec<_>, _>>()?;
        let texts = [
            ("--device", "device_path", &self.device),
            ("--qga-port", "qga_port", &self.qga_port),
            ("--log-level", "log_level", &self.log_level),
            ("--vm-id", "vm_id", &self.vm_id),
        ];
        values.extend(
            texts.into_iter().filter_map(|(flag, name, text)| Some(value(flag, name, text.as_deref()?))),
        );
        let switches = [
            (self.debug, "--debug", "log_level", "debug"),
            (self.aggressive_retry, "--aggressive-retry", "aggressive_retry", "true"),
            (self.require_virtio, "--require-virtio", "require_virtio", "true"),
            (self.no_virtio, "--no-virtio", "no_virtio", "true"),
            (self.allow_unsafe_commands, "--allow-unsafe-commands", "allow_unsafe_commands", "true"),
        ];
        let on = switches.into_iter().filter(|(on, ..)| *on);
        values.extend(on.map(|(_, flag, name, text)| value(flag, name, text)));
        Ok(values)
    }
}

fn value(flag: &str, name: &str, text: &str) -> FlagValue {
    FlagValue { flag: flag.into(), name: name.into(), text: text.into() }
}

fn set_value(given: &str) -> Result<FlagValue, String> {
    match given.split_once('=') {
        Some((name, text)) => Ok(value("--set", name.trim(), text.trim())),
        None => Err(format!("flag --set: {given:?} must be NAME=VALUE")),
    }
}

/// What `infiniservice service …` does.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum ServiceRequest {
    /// Install the service, or update an installed one; it starts with the system
    Install {
        /// Write this name for the machine to the configuration file
        #[arg(long, value_name = "ID")]
        vm_id: Option<String>,
        /// Write the secret in the variable `INFINISERVICE_SHARED_SECRET` to the configuration file
        #[arg(long)]
        save_secret: bool,
        /// Remove an older secret from the configuration file
        #[arg(long, conflicts_with = "save_secret")]
        forget_secret: bool,
        /// Write the profile of the host to the configuration file: native or infinibay
        #[arg(long, value_name = "PROFILE")]
        wire_profile: Option<String>,
        /// Arguments for the agent, each time the service starts
        #[arg(last = true, value_name = "ARGUMENTS")]
        arguments: Vec<std::ffi::OsString>,
    },
    /// Stop the service and remove it
    Uninstall,
    /// Start the service and wait until it runs
    Start,
    /// Stop the service and wait until it has stopped
    Stop,
    /// Show the state of the service; exit code 0 if it runs, otherwise 1
    Status,
}

/// Writes to standard output. A reader that goes away (`| head`) is not a failure worth a message.
pub(crate) fn print(text: &str) -> u8 {
    u8::from(std::io::stdout().write_all(text.as_bytes()).is_err())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FIELDS;
    use clap::CommandFactory as _;

    fn parse(arguments: &[&str]) -> Cli {
        Cli::try_parse_from([&["infiniservice"], arguments].concat()).expect("valid arguments")
    }

    #[test]
    fn the_declaration_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_of_the_table_of_settings_exists() {
        let command = Cli::command();
        for flag in FIELDS.iter().filter_map(|field| field.flag) {
            let known = command.get_arguments().filter_map(|argument| argument.get_long());
            assert!(known.map(|long| format!("--{long}")).any(|long| long == flag), "{flag}");
        }
    }

    #[test]
    fn each_flag_sets_its_setting() {
        let cli = parse(&["--device", "/dev/x", "--debug", "--no-virtio", "--set", "max_ports = 7"]);
        let values = cli.flag_values().expect("valid");
        let got: Vec<_> =
            values.iter().map(|v| (v.flag.as_str(), v.name.as_str(), v.text.as_str())).collect();
        let want = [
            ("--set", "max_ports", "7"),
            ("--device", "device_path", "/dev/x"),
            ("--debug", "log_level", "debug"),
            ("--no-virtio", "no_virtio", "true"),
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn a_set_without_a_value_is_refused() {
        assert!(parse(&["--set", "max_ports"]).flag_values().is_err());
    }

    #[test]
    fn the_mode_is_run_unless_another_is_asked_for() {
        assert_eq!(parse(&[]).mode(), Mode::Run);
        assert_eq!(parse(&["--console"]).mode(), Mode::Run);
        assert_eq!(parse(&["--print-config", "--json"]).mode(), Mode::PrintConfig);
        assert_eq!(parse(&["--diagnose"]).mode(), Mode::Diagnose);
    }

    #[test]
    fn help_tells_files_variables_and_exit_codes() {
        let help = Cli::command().render_long_help().to_string();
        for part in [
            "config.toml",
            "INFINISERVICE_",
            "INFINIBAY_VM_ID",
            "RUST_LOG",
            "Exit codes:",
            "--require-virtio",
        ] {
            assert!(help.contains(part), "{part}");
        }
    }
}
