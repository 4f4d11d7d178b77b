//! Carrying remediations out: each once, each asked for before, each with its own end.

use super::spelt;
use crate::cli::confirm;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::session::{self, Session};
use crate::text::sanitise;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::{AutochecksData, CheckStatus};

/// How leave is had for a remediation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Consent {
    /// The person at the terminal is asked.
    Asked,
    /// `--yes`.
    Given,
}

impl Consent {
    /// Somebody has to be there to be asked.
    pub(super) fn new(yes: bool) -> Result<Self, CliError> {
        match (yes, confirm::is_possible()) {
            (true, _) => Ok(Self::Given),
            (false, true) => Ok(Self::Asked),
            (false, false) => Err(CliError::Usage(
                "--fix asks before each remediation, and there is no terminal to ask on; --yes carries them out without asking".into(),
            )),
        }
    }
}

/// The commands that the findings' remediations carry, each once, with the names of their checks.
pub(super) fn planned(data: &AutochecksData) -> Vec<(Action, Vec<&str>)> {
    let mut planned: Vec<(Action, Vec<&str>)> = Vec::new();
    let wrong = |status| matches!(status, CheckStatus::Warning | CheckStatus::Failed);
    for check in data.checks.iter().filter(|check| wrong(check.status)) {
        let Some(action) = check.remediation.as_ref().and_then(|remedy| remedy.command.clone()) else {
            continue;
        };
        match planned.iter_mut().find(|(known, _)| *known == action) {
            Some((_, checks)) => checks.push(&check.name),
            None => planned.push((action, vec![&check.name])),
        }
    }
    planned
}

/// Carries out what there is leave for. One that fails does not keep the others from being tried.
pub(super) async fn run(session: &Session, data: &AutochecksData, consent: Consent) -> Result<(), CliError> {
    let planned = planned(data);
    if planned.is_empty() {
        return say(session, "\nNothing to fix.");
    }
    let mut failed = 0;
    for (action, checks) in &planned {
        let what = format!("{} (for {})", spelt(action), sanitise::brief(&checks.join(", ")));
        if matches!(consent, Consent::Asked) && !confirm::ask(&format!("Carry out {what}?")).await? {
            say(session, &format!("left alone: {what}"))?;
            continue;
        }
        failed += usize::from(!carry_out(session, action, &what).await?);
    }
    match failed {
        0 => Ok(()),
        _ => Err(CliError::Failed(format!("{failed} of {} remediations failed", planned.len()))),
    }
}

/// Whether it worked; only a lost connection is an error here.
async fn carry_out(session: &Session, action: &Action, what: &str) -> Result<bool, CliError> {
    let event = session.request(action, session::patience(action), what).await?;
    let done = session.show(&event, |_, _: Output| Ok(format!("done: {what}")));
    match done {
        Err(error @ CliError::Refused(_)) => {
            error.report();
            Ok(false)
        }
        other => other.map(|()| true),
    }
}

fn say(session: &Session, text: &str) -> Result<(), CliError> {
    if session.out.json { Ok(()) } else { session.out.text(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::data::{Check, Remediation};

    fn check(name: &str, status: CheckStatus, security_only: bool) -> Check {
        let command = Some(Action::UpdateInstall { security_only });
        let remediation = Some(Remediation { description: String::new(), command });
        Check { name: name.into(), status, remediation, ..Default::default() }
    }

    #[test]
    fn equal_commands_are_carried_out_once_and_what_is_well_is_left_alone() {
        let data = AutochecksData {
            checks: vec![
                check("a", CheckStatus::Warning, true),
                check("b", CheckStatus::Failed, false),
                check("c", CheckStatus::Failed, true),
                check("d", CheckStatus::Passed, true),
                check("e", CheckStatus::Skipped, true),
            ],
            ..Default::default()
        };
        let planned = planned(&data);
        let names: Vec<_> = planned.iter().map(|(_, checks)| checks.join(" ")).collect();
        assert_eq!(names, ["a c", "b"]);
    }
}
