//! Why a package manager did not do what it was asked, in one sentence.

use super::Change;
use infiniservice_exec::Finished;
use infiniservice_platform::sanitize::quote;
use infiniservice_protocol::ErrorCode;

/// The kinds of failure that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No repository has it.
    NotFound,
    /// Somebody holds a lock.
    Busy,
    /// An earlier change was interrupted.
    Interrupted,
    /// A disk is full.
    NoSpace,
    /// What it needs cannot be had.
    Dependencies,
    /// The lists name a file that the repository no longer has.
    Stale,
    /// A repository cannot be reached.
    Unreachable,
    /// A repository's lists were never fetched, and were not to be fetched now.
    Unfetched,
    /// A package's own script failed.
    FakeRunner,
    /// Others would have to go for it.
    WouldRemove,
    /// The system needs it.
    Protected,
    /// The administrator holds it at its version.
    Held,
    /// Its repository is not signed by a trusted key.
    Untrusted,
    /// The agent may not.
    Permission,
    /// The tool is there, but does not work.
    Absent,
    /// None of these.
    Other,
}

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Process.
    pub pid: u32,
    /// Its name, where the tool tells.
    pub name: Option<String>,
}

/// A failure, with the tool's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which kind.
    pub cause: Cause,
    /// The line of the tool's output that says it, cleaned; perhaps empty.
    pub words: String,
    /// For [`Cause::Busy`], where the tool tells.
    pub holder: Option<Holder>,
}

impl Failure {
    /// One of a known cause.
    pub fn new(cause: Cause, words: &str) -> Self {
        Self { cause, words: quote(words), holder: None }
    }

    /// For programs.
    pub fn code(&self) -> ErrorCode {
        match self.cause {
            Cause::NotFound => ErrorCode::NotFound,
            Cause::Busy => ErrorCode::Busy,
            Cause::Permission => ErrorCode::PermissionDenied,
            Cause::Absent => ErrorCode::Unsupported,
            _ => ErrorCode::ExecutionFailed,
        }
    }

    /// What is wrong, for people: goes on after "could not install x: ".
    pub fn reason(&self) -> String {
        let what = match self.cause {
            Cause::NotFound => "no repository contains it",
            Cause::Busy => return self.busy(),
            Cause::Interrupted => "an earlier change was interrupted, and the database could not be repaired",
            Cause::NoSpace => "a disk is full",
            Cause::Dependencies => "its dependencies cannot be installed",
            Cause::Stale => "the repository no longer has the file that its metadata lists",
            Cause::Unreachable => "a repository cannot be reached",
            Cause::Unfetched => "a repository's metadata was never fetched",
            Cause::FakeRunner => "a package's script failed",
            Cause::WouldRemove => "other packages would have to be removed",
            Cause::Protected => "the system needs it",
            Cause::Held => "the administrator holds a package at its version",
            Cause::Untrusted => "the repository's content is not signed with a trusted key",
            Cause::Absent => "the package manager does not work here",
            Cause::Permission => "the agent lacks permission",
            Cause::Other if self.words.is_empty() => "the package manager failed without a message",
            Cause::Other => return self.words.clone(),
        };
        if self.words.is_empty() { what.to_owned() } else { format!("{what} ({})", self.words) }
    }

    /// The same, where it is known what was to be done: dependencies that are in the way of a removal are others'.
    pub fn reason_against(&self, change: Change) -> String {
        match (change, self.cause) {
            (Change::Remove, Cause::Dependencies) => {
                format!("packages that must stay need it ({})", self.words)
            }
            _ => self.reason(),
        }
    }

    fn busy(&self) -> String {
        match &self.holder {
            Some(Holder { pid, name: Some(name) }) => {
                format!("another process holds the package manager's lock: {name} (pid {pid})")
            }
            Some(Holder { pid, name: None }) => {
                format!("another process holds the package manager's lock: pid {pid}")
            }
            None => format!("another process holds the package manager's lock ({})", self.words),
        }
    }
}

/// A cause, and the part of a line by which a tool's output gives it away.
pub(super) type Rule = (Cause, &'static str);

/// The first rule that matches a line; error output is looked through before the rest.
pub(super) fn by_rules(rules: &[Rule], finished: &Finished) -> Option<Failure> {
    rules
        .iter()
        .find_map(|(cause, part)| line_with(finished, part).map(|line| Failure::new(*cause, strip(line))))
}

/// The first line that holds `part`, error output first.
pub(super) fn line_with<'a>(finished: &'a Finished, part: &str) -> Option<&'a str> {
    finished.stderr.text.lines().chain(finished.stdout.text.lines()).find(|line| line.contains(part))
}

/// What a tool says last, where no rule knows it.
pub(super) fn last_words(finished: &Finished) -> Failure {
    let line = finished.stderr.text.lines().rev().find(|line| !line.trim().is_empty());
    Failure::new(Cause::Other, strip(line.unwrap_or_default()))
}

fn strip(line: &str) -> &str {
    let line = line.trim();
    ["E: ", "W: ", "- ", "error: ", "Error: "]
        .iter()
        .find_map(|prefix| line.strip_prefix(prefix))
        .unwrap_or(line)
}
