//! `infinictl autochecks`: the guest's health checks, and what would put things right.

mod fix;
pub(super) mod nagios;

use super::error::CliError;
use super::output::{Columns, Output, paint, state, text};
use super::session::{self, Session, wrong_answer};
use crate::text::{sanitize, wrap};
use infiniservice_protocol::Action;
use infiniservice_protocol::data::{AutochecksData, Check, CheckStatus, Health};
use infiniservice_protocol::guest::GuestMessage;
use serde_json::Value;

const GREEN: u8 = 32;
const YELLOW: u8 = 33;
const RED: u8 = 31;

/// Which checks, and what to do about their findings.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Run only this check; may be repeated [default: all]
    #[arg(long = "check", value_name = "NAME")]
    checks: Vec<String>,
    /// Usage in percent from which usage checks warn [default: the check's own]
    #[arg(long, value_name = "PERCENT")]
    warning_percent: Option<f64>,
    /// Usage in percent from which usage checks fail [default: the check's own]
    #[arg(long, value_name = "PERCENT")]
    critical_percent: Option<f64>,
    /// Run the remediations, asking before each
    #[arg(long)]
    fix: bool,
    /// Print one line for Nagios and compatible monitors, and exit with 0 healthy, 1 warning, 2 critical or 3 unknown
    #[arg(long, conflicts_with_all = ["fix", "json"])]
    pub(super) nagios: bool,
    /// Use the same exit codes with the ordinary output, for cron
    #[arg(long, conflicts_with = "fix")]
    exit_code: bool,
    /// With --fix: do not ask
    #[arg(long, requires = "fix")]
    yes: bool,
}

impl Args {
    fn action(&self) -> Action {
        Action::Autochecks {
            checks: (!self.checks.is_empty()).then(|| self.checks.clone()),
            warning_percent: self.warning_percent,
            critical_percent: self.critical_percent,
        }
    }

    /// The action that it asks for, where nothing is to be done with the answer.
    pub(super) fn plain_action(&self) -> Option<Action> {
        (!self.fix && !self.nagios && !self.exit_code).then(|| self.action())
    }
}

/// Runs it.
pub(super) async fn run(session: &Session, args: Args) -> Result<(), CliError> {
    let consent = args.fix.then(|| fix::Consent::new(args.yes)).transpose()?;
    let action = args.action();
    let event = session.request(&action, session::answer_timeout(&action), "running the checks").await?;
    if args.nagios {
        return nagios::run(session, &event);
    }
    session.show(&event, |message, out| Ok(show(&data(message)?, consent.is_some(), out)))?;
    if args.exit_code {
        return nagios::by_health(&data(event.message().ok_or_else(|| wrong_answer("Autochecks"))?)?);
    }
    match (consent, event.message()) {
        (Some(consent), Some(message)) => fix::run(session, &action, &data(message)?, consent).await,
        _ => Ok(()),
    }
}

fn data(message: &GuestMessage) -> Result<AutochecksData, CliError> {
    match message {
        GuestMessage::Response(response) => session::data(response),
        _ => Err(wrong_answer("Autochecks")),
    }
}

fn show(data: &AutochecksData, fixing: bool, out: Output) -> String {
    let mut parts = vec![verdict(data, out), table(&data.checks, out)];
    let offers: Vec<String> = data.checks.iter().filter_map(|check| offer(check, out)).collect();
    if !offers.is_empty() {
        parts.push(format!("Remediations:\n{}", offers.join("\n")));
    }
    if !fixing && !fix::planned(data).is_empty() {
        parts.push("Run again with --fix to run them.".into());
    }
    parts.join("\n\n")
}

fn verdict(data: &AutochecksData, out: Output) -> String {
    let (word, colour) = match data.overall_health {
        Health::Healthy => ("Healthy", GREEN),
        Health::Warning => ("Warning", YELLOW),
        Health::Critical => ("Critical", RED),
    };
    format!("{}, score {} of 100", paint(word, colour, out), data.score)
}

fn table(checks: &[Check], out: Output) -> String {
    let mut table = Columns::new(out, &["check", "status", "message"]);
    for check in checks {
        table.tall_row([text(&check.name), state(word(check.status)), text(&check.message)]);
    }
    table.finish()
}

fn word(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Passed => "passed",
        CheckStatus::Warning => "warning",
        CheckStatus::Failed => "failed",
        CheckStatus::Skipped => "skipped",
    }
}

/// What would put a finding right, and below it the command that does, whole even where the words fill the line.
fn offer(check: &Check, out: Output) -> Option<String> {
    let remedy = check.remediation.as_ref()?;
    let (name, words) = (sanitize::brief(&check.name), sanitize::brief(&remedy.description));
    let width = out.width.map_or(usize::MAX, usize::from);
    let words = wrap(&format!("  {name}: {words}"), width, "    ");
    let command = remedy.command.as_ref().map_or(String::new(), |action| format!("\n    {}", spelt(action)));
    Some(words + &command)
}

/// A command as its name and parameters, on one harmless line.
fn spelt(action: &Action) -> String {
    let Ok(Value::Object(fields)) = serde_json::to_value(action) else { return action.name().to_string() };
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parameters = fields.iter().filter(|(name, _)| *name != "action");
    let parameters = parameters.map(|(name, value)| format!("{name}={}", plain(value)));
    let words: Vec<String> = std::iter::once(action.name().to_string()).chain(parameters).collect();
    sanitize::brief(&words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};
    use infiniservice_protocol::ServiceOperation;
    use infiniservice_protocol::data::Remediation;

    fn check(name: &str, status: CheckStatus, command: Option<Action>) -> Check {
        let remediation = Some(Remediation { description: "Do it.".into(), command });
        Check { name: name.into(), status, message: "so it is".into(), remediation, ..Default::default() }
    }

    fn restart() -> Action {
        Action::ServiceControl { service: "nginx.service".into(), operation: ServiceOperation::Restart }
    }

    #[test]
    fn a_remediation_is_offered_with_the_very_command() {
        let data = AutochecksData {
            checks: vec![check("failed_units", CheckStatus::Warning, Some(restart()))],
            ..Default::default()
        };
        let shown = show(&data, false, Output::default());
        let line = "  failed_units: Do it.\n    ServiceControl operation=restart service=nginx.service\n";
        assert!(shown.contains(line), "{shown}");
        assert!(shown.ends_with("Run again with --fix to run them."), "{shown}");
        assert!(!show(&data, true, Output::default()).contains("--fix"));
    }

    #[test]
    fn advice_without_a_command_promises_no_fix() {
        let data =
            AutochecksData { checks: vec![check("memory", CheckStatus::Failed, None)], ..Default::default() };
        let shown = show(&data, false, Output::default());
        assert!(shown.contains("memory: Do it.") && !shown.contains("--fix"), "{shown}");
    }

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let data = AutochecksData { overall_health: Health::Critical, ..Default::default() };
        assert!(!show(&data, false, Output::default()).contains('\u{1b}'));
        let colour = Output { colour: true, ..Output::default() };
        assert!(show(&data, false, colour).starts_with("\u{1b}[31mCritical\u{1b}[0m, score 0 of 100"));
    }

    #[test]
    fn hostile_findings_stay_in_their_lines() {
        let evil = Action::ServiceControl { service: EVIL.repeat(40_000), operation: ServiceOperation::Stop };
        let mut hostile = check(EVIL, CheckStatus::Failed, Some(evil));
        hostile.message = EVIL.repeat(40_000);
        hostile.remediation.as_mut().unwrap().description = EVIL.repeat(40_000);
        let data = AutochecksData { checks: vec![hostile], ..Default::default() };
        assert_harmless(&show(&data, false, Output::default()));
    }
}
