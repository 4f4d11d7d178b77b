//! Carrying remediations out: each once, each asked for before, each with its own end.

use super::spelt;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::session::{self, Session};
use crate::cli::terminal;
use crate::text::sanitize;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::{AutochecksData, Check, CheckStatus};

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
        match (yes, terminal::is_possible()) {
            (true, _) => Ok(Self::Given),
            (false, true) => Ok(Self::Asked),
            (false, false) => Err(CliError::Usage(
                "--fix asks before each remediation, but there is no terminal to ask on; --yes runs them \
                 without asking"
                    .into(),
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
pub(super) async fn run(
    session: &Session,
    asked: &Action,
    data: &AutochecksData,
    consent: Consent,
) -> Result<(), CliError> {
    let planned = planned(data);
    if planned.is_empty() {
        return say(session, "\nNothing to fix.");
    }
    let (mut failed, mut in_vain) = (0, 0);
    for (action, checks) in &planned {
        let what = format!("{} (for {})", spelt(action), sanitize::brief(&checks.join(", ")));
        if matches!(consent, Consent::Asked) && !terminal::ask(&format!("Run {what}?")).await? {
            say(session, &format!("skipped: {what}"))?;
            continue;
        }
        if !carry_out(session, action, &what).await? {
            failed += 1;
            continue;
        }
        let before: Vec<&Check> =
            data.checks.iter().filter(|check| checks.contains(&check.name.as_str())).collect();
        in_vain += usize::from(!check_again(session, asked, &before).await?);
    }
    ended(failed, in_vain, planned.len())
}

fn ended(failed: usize, in_vain: usize, all: usize) -> Result<(), CliError> {
    match (failed, in_vain) {
        (0, 0) => Ok(()),
        (0, _) => Err(CliError::Failed(format!("{in_vain} of {all} remediations did not help"))),
        (_, 0) => Err(CliError::Failed(format!("{failed} of {all} remediations failed"))),
        _ => Err(CliError::Failed(format!(
            "{failed} of {all} remediations failed, and {in_vain} did not help"
        ))),
    }
}

/// Makes the checks anew that a remediation was for, with the thresholds that were asked for, and says whether it helped.
async fn check_again(session: &Session, asked: &Action, before: &[&Check]) -> Result<bool, CliError> {
    let action = again(asked, before);
    let event = session.request(&action, session::answer_timeout(&action), "checking again").await?;
    let mut helped = true;
    session.show(&event, |message, _| {
        let after = super::data(message)?;
        let mut lines = Vec::new();
        for check in before {
            let (line, well) = compared(check, after.checks.iter().find(|other| other.name == check.name));
            helped &= well;
            lines.push(line);
        }
        Ok(lines.join("\n"))
    })?;
    if session.out.json
        && let Some(message) = event.message()
    {
        let after = super::data(message)?;
        helped = before
            .iter()
            .all(|check| compared(check, after.checks.iter().find(|other| other.name == check.name)).1);
    }
    Ok(helped)
}

fn again(asked: &Action, before: &[&Check]) -> Action {
    let checks = Some(before.iter().map(|check| check.name.clone()).collect());
    match asked {
        Action::Autochecks { warning_percent, critical_percent, .. } => Action::Autochecks {
            checks,
            warning_percent: *warning_percent,
            critical_percent: *critical_percent,
        },
        _ => Action::Autochecks { checks, warning_percent: None, critical_percent: None },
    }
}

/// What a check says now, and whether that is better than before.
fn compared(before: &Check, after: Option<&Check>) -> (String, bool) {
    let name = sanitize::brief(&before.name);
    let Some(after) = after else { return (format!("checked again: {name}: no answer"), false) };
    let fewer = || count(after).zip(count(before)).is_some_and(|(now, then)| now < then);
    let (verdict, well) = match (after.status, before.status) {
        (CheckStatus::Passed, _) => ("it helped", true),
        (CheckStatus::Skipped, _) => ("it is not known whether it helped", false),
        (CheckStatus::Warning, CheckStatus::Failed) => ("it helped in part", true),
        (now, then) if now == then && fewer() => ("it helped in part", true),
        _ => ("it did not help", false),
    };
    let (now, then) = (super::word(after.status), super::word(before.status));
    let message = sanitize::brief(&after.message);
    (format!("checked again: {name}: {now} (was {then}), {verdict}: {message}"), well)
}

fn count(check: &Check) -> Option<u64> {
    check.details.get("failed_count").and_then(serde_json::Value::as_u64)
}

/// Whether it worked; only a lost connection is an error here.
async fn carry_out(session: &Session, action: &Action, what: &str) -> Result<bool, CliError> {
    let event = session.request(action, session::answer_timeout(action), what).await?;
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
    use infiniservice_protocol::data::Remediation;

    fn check(name: &str, status: CheckStatus, security_only: bool) -> Check {
        let command = Some(Action::UpdateInstall { security_only, cascade: false });
        let remediation = Some(Remediation { description: String::new(), command });
        Check { name: name.into(), status, remediation, ..Default::default() }
    }

    #[test]
    fn a_remediation_that_changed_nothing_is_said_to_have_helped_nothing() {
        use CheckStatus::{Failed, Passed, Skipped, Warning};
        let helped = |then, now| compared(&check("a", then, true), Some(&check("a", now, true)));
        for (then, now, well) in [
            (Warning, Passed, true),
            (Failed, Warning, true),
            (Failed, Failed, false),
            (Warning, Warning, false),
            (Warning, Failed, false),
            (Warning, Skipped, false),
        ] {
            assert_eq!(helped(then, now).1, well, "{then:?} {now:?}");
        }
        assert!(helped(Warning, Warning).0.contains("a: warning (was warning), it did not help"));
        assert!(!compared(&check("a", Warning, true), None).1);
        let failing = |units: u64| {
            let mut check = check("failed_units", Warning, true);
            check.details.insert("failed_count".into(), units.into());
            check
        };
        assert!(compared(&failing(2), Some(&failing(1))).1, "one unit of two");
        assert!(!compared(&failing(2), Some(&failing(2))).1);
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
