//! `infinictl domain`: membership of the guest in a domain of Active Directory.

use super::error::CliError;
use super::output::Output;
use super::session::Session;
use crate::text::sanitize;
use clap::Subcommand;
use infiniservice_protocol::Action;
use infiniservice_protocol::action::Password;
use infiniservice_protocol::data::JoinDomainData;
use std::io::Read;
use std::path::PathBuf;

/// Longest password that is read, in bytes.
const PASSWORD_MAX_BYTES: u64 = 1024;

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the guest join a domain. infinictl reads the password from standard input, or from a file
    Join(Args),
}

/// Who joins what.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The domain's DNS name
    domain: String,
    /// A user who may let machines join: a name, user@domain or DOMAIN\user
    #[arg(long)]
    user: String,
    /// File whose first line is the password
    #[arg(long, value_name = "PATH")]
    password_file: Option<PathBuf>,
    /// Organizational unit of the computer's account, as a distinguished name
    #[arg(long)]
    ou: Option<String>,
    /// Name of the computer in the domain
    #[arg(long, value_name = "NAME")]
    computer_name: Option<String>,
    /// Restart the guest afterwards
    #[arg(long)]
    restart: bool,
}

/// Runs it.
pub(super) async fn run(session: &Session, command: Command) -> Result<(), CliError> {
    let Command::Join(args) = command;
    let password = Password::new(password(&args)?);
    let action = Action::JoinDomain {
        domain: args.domain,
        username: args.user,
        password,
        ou: args.ou,
        computer_name: args.computer_name,
        restart_after: args.restart,
    };
    session.long_command(&action, "joining the domain", show).await
}

fn password(args: &Args) -> Result<String, CliError> {
    let failed = |error: std::io::Error| CliError::Usage(format!("cannot read the password: {error}"));
    let mut text = String::new();
    let read = match &args.password_file {
        Some(path) => {
            std::fs::File::open(path).and_then(|file| file.take(PASSWORD_MAX_BYTES).read_to_string(&mut text))
        }
        None => std::io::stdin().take(PASSWORD_MAX_BYTES).read_to_string(&mut text),
    };
    read.map_err(failed)?;
    match text.lines().next().unwrap_or_default() {
        "" => Err(CliError::Usage("the password is empty".into())),
        line => Ok(line.to_owned()),
    }
}

fn show(data: &JoinDomainData, _: Output) -> String {
    let (name, domain) = (sanitize::brief(&data.computer_name), sanitize::brief(&data.domain));
    let then = match (data.restart_scheduled, data.reboot_required) {
        (true, _) => " It restarts now.",
        (false, true) => " It has to restart.",
        (false, false) => "",
    };
    format!("The guest has joined {domain} as {name}.{then}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};

    #[test]
    fn what_has_to_follow_is_told_and_hostile_names_are_harmless() {
        let data = |reboot_required, restart_scheduled| JoinDomainData {
            domain: "lab.example".into(),
            computer_name: EVIL.into(),
            reboot_required,
            restart_scheduled,
        };
        assert!(show(&data(true, false), Output::default()).contains("has to restart"));
        assert!(show(&data(true, true), Output::default()).contains("restarts now"));
        assert_harmless(&show(&data(false, false), Output::default()));
    }
}
