//! `infinictl seal`: makes the guest a template whose copies get identities of their own.

use super::error::CliError;
use super::output::{Columns, Output, text};
use super::session::Session;
use crate::text::sanitize;
use infiniservice_protocol::Action;
use infiniservice_protocol::action::CleanupLevel;
use infiniservice_protocol::data::SealData;

/// What goes.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// What to clean in addition. minimal: nothing; standard: caches and logs; deep: also trim file systems
    #[arg(long, value_name = "LEVEL", default_value = "standard", value_parser = ["minimal", "standard", "deep"])]
    level: String,
    /// Also remove users' accounts and homes
    #[arg(long)]
    remove_users: bool,
    /// Power off the guest afterwards
    #[arg(long)]
    power_off: bool,
    /// Confirm: the guest loses its identity, its SSH host keys and its secret for good
    #[arg(long)]
    yes: bool,
}

/// Runs it.
pub(super) async fn run(session: &Session, args: Args) -> Result<(), CliError> {
    if !args.yes {
        let error =
            "sealing cannot be undone: the guest loses its identity and its secret; --yes confirms it";
        return Err(CliError::Usage(error.into()));
    }
    let action = Action::PrepareGoldenImage {
        cleanup_level: level(&args.level),
        sanitize_user_data: args.remove_users,
        shutdown_after: args.power_off,
    };
    session.long_command(&action, "sealing the guest", show).await
}

fn level(word: &str) -> CleanupLevel {
    match word {
        "minimal" => CleanupLevel::Minimal,
        "deep" => CleanupLevel::Deep,
        _ => CleanupLevel::Standard,
    }
}

fn show(data: &SealData, out: Output) -> String {
    let mut table = Columns::new(out, &["step", "done", "what"]);
    for step in &data.steps {
        let done = if step.ok { "yes" } else { "no" };
        table.row([text(&step.name), text(done), text(&sanitize::brief(&step.message))]);
    }
    let then = match data.power_off_in_secs {
        Some(secs) => format!("The guest powers off in {secs} s.\n"),
        None => "The guest stays on, and takes no commands until it starts anew.\n".to_owned(),
    };
    format!("{}\n{then}", table.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};
    use infiniservice_protocol::data::SealStep;

    fn data(name: &str, power_off_in_secs: Option<u32>) -> SealData {
        let step = SealStep { name: name.into(), ok: true, message: name.into() };
        SealData { steps: vec![step], power_off_in_secs }
    }

    #[test]
    fn each_step_is_told_and_what_becomes_of_the_guest() {
        let shown = show(&data("machine_id", Some(5)), Output::default());
        assert!(shown.contains("machine_id") && shown.contains("powers off in 5 s"), "{shown}");
        assert!(show(&data("machine_id", None), Output::default()).contains("stays on"));
    }

    #[test]
    fn hostile_steps_stay_in_their_rows() {
        let shown = show(&data(EVIL, None), Output::default());
        assert_harmless(&shown);
    }
}
