//! One line and an exit code, as Nagios and its kind want them (Monitoring Plugins' guidelines): the state, what is wrong,
//! and behind a bar the score as performance data.

use super::data;
use crate::cli::error::CliError;
use crate::cli::session::{Session, wrong_answer};
use crate::client::Event;
use crate::text::sanitize;
use infiniservice_protocol::data::{AutochecksData, Check, CheckStatus, Health};
use infiniservice_protocol::guest::GuestMessage;

const OK: u8 = 0;
const WARNING: u8 = 1;
const CRITICAL: u8 = 2;
const UNKNOWN: u8 = 3;
/// Nagios cuts a line at 4 KiB or earlier.
const MAX_COLUMNS: usize = 1000;

/// Prints the line; the exit code is in the error, where it is not 0.
pub(super) fn run(session: &Session, event: &Event) -> Result<(), CliError> {
    match event.message() {
        Some(GuestMessage::Response(response)) if !response.success => {
            Err(CliError::Refused(Box::new(response.clone())))
        }
        Some(message) => {
            let data = data(message)?;
            session.out.text(&line(&data))?;
            by_health(&data)
        }
        None => Err(wrong_answer("Autochecks")),
    }
}

/// The exit code by what was found.
pub(super) fn by_health(data: &AutochecksData) -> Result<(), CliError> {
    match state(data) {
        (OK, _) => Ok(()),
        (code, _) => Err(CliError::Health(code)),
    }
}

/// What kept the checks from being made is no finding: said as unknown on standard output, where plugins are heard.
pub(in crate::cli) fn unknown(error: &CliError) -> CliError {
    if let CliError::Health(code) = error {
        return CliError::Health(*code);
    }
    println!("INFINISERVICE UNKNOWN - {}", plain(&error.sentence()));
    CliError::Health(UNKNOWN)
}

/// Where nothing could be checked, nothing is known.
fn state(data: &AutochecksData) -> (u8, &'static str) {
    let judged = data.checks.iter().any(|check| check.status != CheckStatus::Skipped);
    match data.overall_health {
        _ if !judged => (UNKNOWN, "UNKNOWN"),
        Health::Healthy => (OK, "OK"),
        Health::Warning => (WARNING, "WARNING"),
        Health::Critical => (CRITICAL, "CRITICAL"),
    }
}

fn line(data: &AutochecksData) -> String {
    let wrong = |status| data.checks.iter().filter(move |check| check.status == status).map(told);
    let mut parts: Vec<String> = wrong(CheckStatus::Failed).chain(wrong(CheckStatus::Warning)).collect();
    let skipped = data.checks.iter().filter(|check| check.status == CheckStatus::Skipped).count();
    let passed = data.checks.iter().filter(|check| check.status == CheckStatus::Passed).count();
    parts.push(format!("{passed} passed, {skipped} skipped"));
    let (_, word) = state(data);
    let score = data.score;
    format!("INFINISERVICE {word} - {} | score={score};;;0;100", plain(&parts.join("; ")))
}

fn told(check: &Check) -> String {
    format!("{}: {}", check.name, check.message)
}

/// A bar would begin the performance data.
fn plain(text: &str) -> String {
    sanitize::fit(&text.replace('|', "/"), MAX_COLUMNS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};

    fn data(health: Health, checks: &[(&str, CheckStatus, &str)]) -> AutochecksData {
        let check = |(name, status, message): &(&str, CheckStatus, &str)| Check {
            name: (*name).into(),
            status: *status,
            message: (*message).into(),
            ..Check::default()
        };
        AutochecksData {
            overall_health: health,
            checks: checks.iter().map(check).collect(),
            ..AutochecksData::default()
        }
    }

    #[test]
    fn the_state_decides_word_and_exit_code() {
        let passed = [("memory", CheckStatus::Passed, "fine")];
        let cases = [
            (data(Health::Healthy, &passed), OK, "OK"),
            (data(Health::Warning, &passed), WARNING, "WARNING"),
            (data(Health::Critical, &passed), CRITICAL, "CRITICAL"),
            (data(Health::Healthy, &[]), UNKNOWN, "UNKNOWN"),
            (data(Health::Healthy, &[("a", CheckStatus::Skipped, "no bus")]), UNKNOWN, "UNKNOWN"),
        ];
        for (data, code, word) in cases {
            assert_eq!(state(&data), (code, word));
            assert!(line(&data).starts_with(&format!("INFINISERVICE {word} - ")), "{}", line(&data));
        }
    }

    #[test]
    fn what_failed_comes_first_and_a_bar_of_the_guests_begins_no_figures() {
        let checks = [
            ("a", CheckStatus::Warning, "x|y"),
            ("b", CheckStatus::Failed, "full"),
            ("c", CheckStatus::Passed, ""),
        ];
        let line = line(&data(Health::Critical, &checks));
        assert_eq!(line, "INFINISERVICE CRITICAL - b: full; a: x/y; 1 passed, 0 skipped | score=0;;;0;100");
    }

    #[test]
    fn a_hostile_guest_gets_one_line() {
        let evil = EVIL.repeat(10_000);
        let checks = [(evil.as_str(), CheckStatus::Failed, evil.as_str())];
        let line = line(&data(Health::Critical, &checks));
        assert_harmless(&line);
        assert_eq!(line.lines().count(), 1);
    }
}
