//! Asking the person at the terminal.

use super::error::CliError;
use std::io::{BufRead, IsTerminal, Read, Write, stderr, stdin};

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
