//! `infinictl script`: scripts that the guest stores and runs one after the other.

use super::error::CliError;
use super::output::{Columns, Output, text};
use super::session::{CHANGING, READING, Session, data, wrong_answer};
use super::terminal::while_waiting;
use crate::client::Event;
use crate::text::sanitize;
use clap::{Args, Subcommand};
use infiniservice_protocol::action::ScriptShell;
use infiniservice_protocol::data::{ScriptInfo, ScriptState, ScriptStatusData};
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::{Action, Response};
use std::io::{Read as _, Write as _, stderr, stdin, stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// From one question about a script that runs to the next.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Longest script, in bytes: what a guest takes at most.
const SCRIPT_MAX: u64 = 16 << 20;

/// What to do with scripts.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a script, if the guest's configuration allows it, and show what it wrote
    Run(RunArgs),
    /// List the scripts that wait or run, and those that have ended
    List,
    /// Show one script, and what it wrote
    Status(Named),
    /// Forget a script that has ended or has not begun
    Remove(Named),
}

/// What to run, and how.
#[derive(Args, Debug)]
pub(super) struct RunArgs {
    /// File with the script; `-` is standard input
    file: PathBuf,
    /// Name of this run. While the guest knows a run of this name, it does not run the script again [default: a new name]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Name for people
    #[arg(long)]
    name: Option<String>,
    /// sh or bash; on Windows cmd or powershell [default: sh, on Windows cmd]
    #[arg(long, value_parser = shell)]
    shell: Option<ScriptShell>,
    /// User to run the script as [default: the agent's user]
    #[arg(long, value_name = "USER")]
    run_as: Option<String>,
    /// How long the script may run, in seconds [default: 600]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    run_for: Option<u32>,
    /// Do not wait for the end of the script
    #[arg(long)]
    detach: bool,
}

/// Which script.
#[derive(Args, Debug)]
pub(super) struct Named {
    /// Name of the run, as `script list` shows it
    id: String,
}

fn shell(text: &str) -> Result<ScriptShell, String> {
    ScriptShell::from_word(text).ok_or_else(|| "must be sh, bash, cmd or powershell".to_owned())
}

/// Runs it.
pub(super) async fn run(session: &Session, command: Command) -> Result<(), CliError> {
    match command {
        Command::Run(args) => submit(session, args).await,
        Command::List => {
            let action = Action::ScriptStatus { execution_id: None };
            session.command(&action, READING, "listing scripts", table).await
        }
        Command::Status(args) => {
            let event = asked(session, &args.id).await?;
            if session.out.json {
                return session.show(&event, |_, _| Ok(String::new()));
            }
            let (info, response) = one(&event)?;
            session
                .out
                .text(&table(&ScriptStatusData { scripts: vec![info], ..Default::default() }, session.out))?;
            pass_on(&response)
        }
        Command::Remove(args) => {
            let action = Action::ScriptRemove { execution_id: args.id };
            let told = |info: &ScriptInfo, _| format!("forgotten: {}", sanitize::brief(&info.execution_id));
            session.command(&action, CHANGING, "removing the script", told).await
        }
    }
}

async fn submit(session: &Session, args: RunArgs) -> Result<(), CliError> {
    let script = read(&args.file)?;
    let execution_id = args.id.unwrap_or_else(|| session.client.new_id());
    let action = Action::ScriptRun {
        execution_id: execution_id.clone(),
        script,
        shell: args.shell,
        name: args.name,
        run_as: args.run_as,
        timeout_secs: args.run_for,
    };
    let event = session.request(&action, CHANGING, "handing over the script").await?;
    let (detach, told) = (args.detach, |info: &ScriptInfo| {
        format!(
            "the guest has the script; `infinictl script status {}` shows the result",
            sanitize::brief(&info.execution_id)
        )
    });
    if detach || is_failure(&event) {
        return session.show(&event, |message, _| match message {
            GuestMessage::Response(response) => Ok(told(&data(response)?)),
            _ => Err(wrong_answer("the script")),
        });
    }
    let (event, info) = follow(session, &execution_id).await?;
    conclude(session, &event, &info)?;
    // Nobody will ask for it again; where it stays, only its place is taken.
    let forget = session.client.command(&Action::ScriptRemove { execution_id }, None);
    let _ = while_waiting("", session.client.call(&forget, READING)).await;
    failure(&info)
}

fn read(path: &PathBuf) -> Result<String, CliError> {
    let failed = |error: String| CliError::Failed(format!("cannot read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        stdin().lock().take(SCRIPT_MAX + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(SCRIPT_MAX + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > SCRIPT_MAX {
        return Err(failed(format!("it is longer than {SCRIPT_MAX} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8".to_owned()))
}

fn is_failure(event: &Event) -> bool {
    matches!(event.message(), Some(GuestMessage::Response(response)) if !response.success)
}

async fn asked(session: &Session, id: &str) -> Result<Arc<Event>, CliError> {
    let action = Action::ScriptStatus { execution_id: Some(id.to_owned()) };
    session.request(&action, READING, "asking for the script").await
}

fn one(event: &Event) -> Result<(ScriptInfo, Response), CliError> {
    let Some(GuestMessage::Response(response)) = event.message() else {
        return Err(wrong_answer("ScriptStatus"));
    };
    if !response.success {
        return Err(CliError::Refused(Box::new(response.clone())));
    }
    let status: ScriptStatusData = data(response)?;
    let info = status.scripts.into_iter().next().ok_or_else(|| wrong_answer("ScriptStatus"))?;
    Ok((info, response.clone()))
}

/// Asks until it has ended, or `--wait` is over.
async fn follow(session: &Session, id: &str) -> Result<(Arc<Event>, ScriptInfo), CliError> {
    let until = session.wait.map(|wait| Instant::now() + wait);
    let left = || format!("`infinictl script status {id}` shows the result");
    loop {
        let event = asked(session, id).await?;
        let (info, _) = one(&event)?;
        if info.state == ScriptState::Ended {
            session.goes_on_with(None);
            return Ok((event, info));
        }
        session.goes_on_with(Some(format!("the script; {}", left())));
        let again = Instant::now() + ASK_AGAIN;
        if until.is_some_and(|until| until < again) {
            return Err(CliError::TimedOut(format!("--wait is over; the guest continues; {}", left())));
        }
        while_waiting("running the script", tokio::time::sleep_until(again)).await;
    }
}

fn conclude(session: &Session, event: &Event, info: &ScriptInfo) -> Result<(), CliError> {
    if session.out.json {
        return session.out.document(&event.raw);
    }
    let (_, response) = one(event)?;
    pass_on(&response)?;
    if let Some(why) = &info.error {
        log_line(why)?;
    }
    Ok(())
}

fn log_line(text: &str) -> Result<(), CliError> {
    Ok(writeln!(stderr().lock(), "infinictl: the script did not end by itself: {}", sanitize::brief(text))?)
}

fn failure(info: &ScriptInfo) -> Result<(), CliError> {
    match info.exit_code {
        Some(0) => Ok(()),
        code => {
            let code = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
            Err(CliError::Failed(format!("the script ended with exit code {code}")))
        }
    }
}

fn pass_on(response: &Response) -> Result<(), CliError> {
    let mut out = stdout().lock();
    out.write_all(sanitize::lines(&response.stdout).as_bytes())?;
    out.flush()?;
    Ok(stderr().lock().write_all(sanitize::lines(&response.stderr).as_bytes())?)
}

fn table(status: &ScriptStatusData, out: Output) -> String {
    let mut table = Columns::new(out, &["id", "state", "exit code", "shell", "user", "name"]);
    for script in &status.scripts {
        table.row([
            text(&script.execution_id),
            text(word(script.state)),
            text(&script.exit_code.map_or_else(|| "-".to_owned(), |code| code.to_string())),
            text(&script.shell),
            text(script.run_as.as_deref().unwrap_or("-")),
            text(script.name.as_deref().unwrap_or("-")),
        ]);
    }
    table.finish()
}

fn word(state: ScriptState) -> &'static str {
    match state {
        ScriptState::Waiting => "waiting",
        ScriptState::Running => "running",
        ScriptState::Ended => "ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};

    #[test]
    fn hostile_scripts_stay_in_their_rows() {
        let evil = ScriptInfo {
            execution_id: EVIL.into(),
            name: Some(EVIL.repeat(1000)),
            shell: EVIL.into(),
            run_as: Some(EVIL.into()),
            ..ScriptInfo::default()
        };
        let data = ScriptStatusData { scripts: vec![evil; 2], ..Default::default() };
        let shown = table(&data, Output::default());
        assert_harmless(&shown);
        assert_eq!(shown.lines().count(), 3);
    }

    #[test]
    fn only_exit_code_0_is_a_success() {
        let ended = |exit_code| failure(&ScriptInfo { exit_code, ..ScriptInfo::default() });
        assert!(ended(Some(0)).is_ok());
        assert!(matches!(ended(Some(124)), Err(CliError::Failed(why)) if why.contains("124")));
        assert!(ended(None).is_err());
    }
}
