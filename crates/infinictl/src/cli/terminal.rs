//! The person at the terminal: a question, and a spinner with the elapsed time for work that takes longer
//! than a second.

use super::error::CliError;
use crate::text::sanitize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::future::Future;
use std::io::{BufRead, IsTerminal, Read, Write, stderr, stdin};
use std::pin::pin;
use std::time::Duration;

/// Nobody types a longer answer.
const MAX_ANSWER_BYTES: u64 = 1024;

/// Whether somebody can read a question and answer it.
pub(super) fn is_possible() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// Asks on standard error; whatever is not yes is no. Meanwhile the connection lives on: the guest's heartbeats are
/// answered.
pub(super) async fn ask(question: &str) -> Result<bool, CliError> {
    write!(stderr(), "{question} [y/N] ")?;
    let answer = tokio::task::spawn_blocking(read_line).await;
    let answer = answer.map_err(|error| CliError::Failed(format!("asking failed: {error}")))?;
    let answer = answer.map_err(|error| CliError::Failed(format!("cannot read the answer: {error}")))?;
    Ok(is_yes(&answer))
}

fn read_line() -> std::io::Result<String> {
    let mut line = String::new();
    stdin().lock().take(MAX_ANSWER_BYTES).read_line(&mut line)?;
    Ok(line)
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Shorter work shows nothing.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Of what is waited for; a line that wraps would not be cleared.
const MAX_COLUMNS: usize = 60;
const FRAME: Duration = Duration::from_millis(100);

/// Waits for `work`; on a terminal, and on standard error only, says what is waited for.
pub(super) async fn while_waiting<T>(what: &str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        result = &mut work => return result,
        () = tokio::time::sleep(TIMEOUT) => {}
    }
    let spinner = spinner(what);
    let result = work.await;
    spinner.finish_and_clear();
    result
}

fn spinner(what: &str) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_elapsed(TIMEOUT);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.set_message(sanitize::fit(what, MAX_COLUMNS));
    bar.enable_steady_tick(FRAME);
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        assert!(is_yes("y\n") && is_yes("YES\r\n"));
        for no in ["", "\n", "n\n", "yep\n", "y y\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
