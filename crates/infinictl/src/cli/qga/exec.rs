//! `infinictl qga exec`: a program in the guest, with what it wrote.

use super::{Talk, read};
use crate::cli::error::CliError;
use crate::cli::exec::variable;
use crate::cli::session::READING;
use crate::cli::terminal::while_waiting;
use crate::qga::{Answer, Request};
use crate::text::sanitize;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{Write, stderr, stdout};
use std::time::Duration;
use tokio::time::Instant;

/// How long a program may run before infinictl leaves it, where `--wait` does not say.
const TIMEOUT: Duration = Duration::from_mins(1);
/// From one question whether it has ended to the next, at first and at last. The protocol tells nothing unasked.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// What to run.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    /// Environment variable; may be repeated; must be before the program
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
    /// The absolute path of the program, and its arguments. Everything after the path is passed to the program, so put
    /// infinictl's options before it
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    program: Vec<String>,
}

#[derive(Deserialize)]
struct Started {
    pid: i64,
}

/// What became of it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Status {
    exited: bool,
    exitcode: Option<i64>,
    signal: Option<i64>,
    out_data: Option<String>,
    err_data: Option<String>,
    out_truncated: Option<bool>,
    err_truncated: Option<bool>,
}

/// Runs it: what the program wrote comes out where it wrote it.
pub(super) async fn run(talk: &mut Talk, args: Args) -> Result<(), CliError> {
    let (program, arguments) = wanted(args);
    let until = Instant::now() + talk.wait.unwrap_or(TIMEOUT);
    let answer = talk.ask(&Request::new("guest-exec", arguments), READING).await?;
    let Started { pid } = read("guest-exec", &answer)?;
    let ask = Request::new("guest-exec-status", json!({ "pid": pid }));
    let ended = while_waiting(&program, ended(talk, &ask, until)).await?;
    let Some((status, answer)) = ended else {
        return Err(CliError::TimedOut(still_running(&program, &ask)));
    };
    if talk.out.json {
        talk.out.document(answer.line())?;
    } else {
        pass_on(&status)?;
    }
    concluded(&program, &status)
}

/// Asks until the program has ended; `None`: it is too late for one more question.
async fn ended(talk: &mut Talk, ask: &Request, until: Instant) -> Result<Option<(Status, Answer)>, CliError> {
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = talk.ask(ask, READING).await?;
        let status: Status = read("guest-exec-status", &answer)?;
        if status.exited {
            return Ok(Some((status, answer)));
        }
        if Instant::now() + pause > until {
            return Ok(None);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

fn wanted(args: Args) -> (String, Value) {
    let mut words = args.program.into_iter();
    let program = words.next().unwrap_or_default();
    let mut arguments = json!({ "path": program, "arg": words.collect::<Vec<_>>(), "capture-output": true });
    if let (false, Some(members)) = (args.variables.is_empty(), arguments.as_object_mut()) {
        let variables = args.variables.iter().map(|(name, value)| format!("{name}={value}"));
        members.insert("env".to_owned(), variables.collect());
    }
    (program, arguments)
}

fn pass_on(status: &Status) -> Result<(), CliError> {
    let mut out = stdout().lock();
    out.write_all(text(status.out_data.as_deref())?.as_bytes())?;
    out.flush()?;
    let mut err = stderr().lock();
    err.write_all(text(status.err_data.as_deref())?.as_bytes())?;
    let cut = [(status.out_truncated, "standard output"), (status.err_truncated, "standard error")];
    for (_, stream) in cut.iter().filter(|(cut, _)| *cut == Some(true)) {
        writeln!(err, "infinictl: the guest truncated the program's {stream}")?;
    }
    Ok(())
}

/// What the program wrote, harmless to a terminal.
fn text(base64: Option<&str>) -> Result<String, CliError> {
    let bytes = STANDARD.decode(base64.unwrap_or_default());
    let bytes =
        bytes.map_err(|error| CliError::Failed(format!("the program's output is no base64: {error}")))?;
    Ok(sanitize::lines(&String::from_utf8_lossy(&bytes)))
}

fn concluded(program: &str, status: &Status) -> Result<(), CliError> {
    let how = match (status.exitcode, status.signal) {
        (Some(0), None) => return Ok(()),
        (_, Some(signal)) => format!("was ended by signal {signal}"),
        (Some(code), None) => format!("ended with exit code {code}"),
        (None, None) => "ended, and the guest does not say how".to_owned(),
    };
    Err(CliError::Failed(format!("{program} {how}")))
}

fn still_running(program: &str, ask: &Request) -> String {
    format!(
        "{program} continues in the guest; this tells what becomes of it: infinictl qga raw '{}'",
        ask.text()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_failed_is_a_failure_with_how_it_ended() {
        let status = |exitcode, signal| Status { exited: true, exitcode, signal, ..Status::default() };
        assert!(concluded("x", &status(Some(0), None)).is_ok());
        for (exitcode, signal, how) in
            [(Some(3), None, "exit code 3"), (None, Some(9), "signal 9"), (None, None, "does not say")]
        {
            let said = concluded("x", &status(exitcode, signal)).unwrap_err().sentence();
            assert!(said.contains(how), "{said}");
        }
    }

    #[test]
    fn output_is_shown_without_what_a_terminal_obeys() {
        assert_eq!(text(None).unwrap(), "");
        assert_eq!(text(Some("YQobWzJKYv8=")).unwrap(), "a\n\\u{1b}[2Jb\u{fffd}");
        assert!(text(Some("!")).is_err());
    }
}
