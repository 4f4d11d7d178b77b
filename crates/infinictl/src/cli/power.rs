//! `infinictl power`: the end of the guest's run.

use super::error::CliError;
use super::session::{CHANGING, Session};
use clap::Subcommand;
use infiniservice_protocol::{Action, data::PowerData};

/// How it ends.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum Command {
    /// Shut down the guest and power it off
    Shutdown,
    /// Reboot the guest
    Reboot,
}

impl Command {
    /// The action that it asks for.
    pub(super) const fn action(self) -> Action {
        match self {
            Self::Shutdown => Action::Shutdown {},
            Self::Reboot => Action::Reboot {},
        }
    }
}

/// Runs it. The guest answers before it goes.
pub(super) async fn run(session: &Session, command: Command) -> Result<(), CliError> {
    let doing = match command {
        Command::Shutdown => "shutting down",
        Command::Reboot => "restarting",
    };
    session.command(&command.action(), CHANGING, doing, |data: &PowerData, _| told(data, doing)).await
}

fn told(data: &PowerData, doing: &str) -> String {
    if data.accepted { format!("The guest is {doing}.\n") } else { "The guest did not accept it.\n".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_the_guest_took_on() {
        let data = |accepted| PowerData { action: "Reboot".into(), accepted };
        assert_eq!(told(&data(true), "restarting"), "The guest is restarting.\n");
        assert!(told(&data(false), "restarting").contains("did not"));
    }
}
