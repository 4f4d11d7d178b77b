//! `infinictl config`: the configuration of the guest's agent.

use super::error::CliError;
use super::output::{Columns, Output, text};
use super::session::Session;
use crate::text::sanitize;
use clap::Subcommand;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::ConfigReloadData;

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the agent read its configuration again, and show which changes apply now and which wait for a restart
    Reload,
}

/// Runs it.
pub(super) async fn run(session: &Session, command: Command) -> Result<(), CliError> {
    let Command::Reload = command;
    session.long_command(&Action::ConfigReload {}, "reading the configuration again", show).await
}

fn show(data: &ConfigReloadData, out: Output) -> String {
    let applied: Vec<_> = data.applied.iter().map(|name| sanitize::brief(name)).collect();
    let mut shown = if applied.is_empty() {
        "No setting changed.\n".to_owned()
    } else {
        format!("Changed: {}.\n", applied.join(", "))
    };
    if !data.waiting.is_empty() {
        let mut table = Columns::new(out, &["waits for a restart", "why"]);
        for waiting in &data.waiting {
            table.row([text(&waiting.setting), text(&sanitize::brief(&waiting.reason))]);
        }
        shown = format!("{shown}\n{}", table.finish());
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};
    use infiniservice_protocol::data::WaitingSetting;

    fn data(name: &str) -> ConfigReloadData {
        let waiting = WaitingSetting { setting: name.into(), reason: name.into() };
        ConfigReloadData { applied: vec![name.into(), "vm_id".into()], waiting: vec![waiting] }
    }

    #[test]
    fn what_holds_and_what_waits_is_told_apart() {
        let shown = show(&data("max_ports"), Output::default());
        assert!(shown.starts_with("Changed: max_ports, vm_id.\n"), "{shown}");
        assert!(shown.contains("WAITS FOR A RESTART"), "{shown}");
        let nothing = show(&ConfigReloadData::default(), Output::default());
        assert_eq!(nothing, "No setting changed.\n");
    }

    #[test]
    fn hostile_names_stay_in_their_rows() {
        assert_harmless(&show(&data(EVIL), Output::default()));
    }
}
