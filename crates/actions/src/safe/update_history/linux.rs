//! Reads the logs of Linux's package managers: files of dpkg and zypper, and what dnf tells of its own.

use super::{History, log};
use crate::context::CommandContext;
use infiniservice_exec::{Cancellation, CommandError, Request};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_platform::sanitize::reason;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::UpdateHistoryEntry;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

/// So much of a log is read, its end.
const LOG_MAX_BYTES: u64 = 8 << 20;
/// How long the files may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The logs, each with the one that was set aside before it, and how they are read.
type Reader = fn(&str) -> Vec<UpdateHistoryEntry>;
const LOGS: [(&str, &[&str], Reader); 2] = [
    ("dpkg", &["var/log/dpkg.log.1", "var/log/dpkg.log"], log::dpkg),
    ("zypper", &["var/log/zypp/history"], log::zypp),
];

pub(super) async fn history(
    context: &CommandContext,
    cancellation: &Cancellation,
) -> Result<History, CommandError> {
    let reading = blocking::run(Lane::Files, "the logs of packages", PATIENCE, || files(Path::new("/")));
    let read = cancellation.run_until_cancelled(reading).await?;
    if let Some(history) = read.map_err(|blocked| failed(blocked.to_string()))?? {
        return Ok(history);
    }
    if context.packages.as_ref().is_some_and(|packages| packages.manager.name() == "dnf") {
        return of_dnf(context, cancellation).await;
    }
    let error = "no log of a package manager that the agent reads (dpkg, dnf, zypper) is here";
    Err(CommandError::new(ErrorCode::Unsupported, error))
}

/// The first log that is there; `None` where none is.
fn files(root: &Path) -> Result<Option<History>, CommandError> {
    for (source, paths, read) in LOGS {
        let mut history = History { source, ..History::default() };
        let (mut text, mut found) = (String::new(), false);
        for path in paths {
            match tail(&root.join(path)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(format!("/{path} could not be read: {}", reason(&error)))),
                Ok((part, cut)) => {
                    if cut {
                        history.incomplete.push(format!("only the end of /{path} was read"));
                    }
                    text.push_str(&part);
                    found = true;
                }
            }
        }
        if found {
            history.entries = read(&text);
            history.entries.reverse();
            history.incomplete.push("older logs, which are compressed, were not read".into());
            return Ok(Some(history));
        }
    }
    Ok(None)
}

/// The end of a file from a line's beginning on, and whether there is more before it.
fn tail(path: &Path) -> io::Result<(String, bool)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(LOG_MAX_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(LOG_MAX_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let whole = if start == 0 {
        text
    } else {
        text.split_once('\n').map_or(String::new(), |(_, rest)| rest.to_owned())
    };
    Ok((whole, start > 0))
}

async fn of_dnf(context: &CommandContext, cancellation: &Cancellation) -> Result<History, CommandError> {
    let request = Request::new("dnf", ["--quiet", "history", "list"]).max_output(1 << 20);
    let finished = context.runner.run(request, cancellation).await?;
    if !finished.succeeded() {
        return Err(finished.into_error(ErrorCode::ExecutionFailed, "`dnf history list` failed"));
    }
    Ok(History { entries: log::dnf(&finished.stdout.text), source: "dnf", incomplete: Vec::new() })
}

fn failed(error: String) -> CommandError {
    CommandError::new(ErrorCode::ExecutionFailed, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_log_that_was_set_aside_comes_before_the_new_one_and_the_newest_entry_first() {
        let root = tempfile::tempdir().expect("a directory");
        assert!(files(root.path()).expect("read").is_none());
        fs::create_dir_all(root.path().join("var/log")).expect("made");
        let line = |package: &str| format!("2026-11-30 03:31:40 install {package}:all <none> 1.0\n");
        fs::write(root.path().join("var/log/dpkg.log.1"), line("old")).expect("written");
        fs::write(root.path().join("var/log/dpkg.log"), line("new")).expect("written");
        let history = files(root.path()).expect("read").expect("found");
        let titles: Vec<_> = history.entries.iter().map(|entry| entry.title.as_str()).collect();
        assert_eq!((titles, history.source), (vec!["new:all 1.0", "old:all 1.0"], "dpkg"));
        fs::remove_file(root.path().join("var/log/dpkg.log")).expect("removed");
        fs::create_dir(root.path().join("var/log/dpkg.log")).expect("made");
        assert!(files(root.path()).unwrap_err().error.contains("/var/log/dpkg.log could not be read"));
    }
}
