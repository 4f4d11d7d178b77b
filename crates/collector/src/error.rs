//! Why a metric gave nothing, and the report of a collection: what went wrong, and what was cut. One metric's failure costs its
//! own figures only.

use super::numbers::count;
use infiniservice_platform::linux::text::ParseError;
use infiniservice_protocol::metrics::{Collection, FailedCollector};
use infiniservice_protocol::number::millis;
use std::fmt::Display;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use thiserror::Error;

/// errno(3), of Linux.
const EOPNOTSUPP: i32 = 95;

/// A failure that costs one collector's figures.
#[derive(Debug, Error)]
pub enum CollectError {
    /// A file could not be opened or read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file was read but not understood.
    #[error("{path}: {what}")]
    Parse {
        /// The file.
        path: String,
        /// Line and item.
        what: ParseError,
    },
    /// The kernel refused or broke off a netlink request.
    #[error("netlink {request}: {source}")]
    Netlink {
        /// What was asked.
        request: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A network file system did not answer.
    #[error("{mount_point}: no answer for {waited_ms} ms")]
    Hanging {
        /// Where it is mounted.
        mount_point: String,
        /// Since it was asked.
        waited_ms: u64,
    },
    /// Not available on this platform.
    #[error("not available on this platform")]
    Unsupported,
}

impl CollectError {
    /// An I/O failure at `path`.
    pub(crate) fn io(path: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Io { path: path.into(), source: source.into() }
    }

    /// Whether the file is not there at all.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the kernel was built or started without what the file tells of.
    pub(crate) fn is_not_supported(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.raw_os_error() == Some(EOPNOTSUPP))
    }

    /// A parse failure in `path`.
    pub(crate) fn parse(path: impl Into<String>, what: ParseError) -> Self {
        Self::Parse { path: path.into(), what }
    }
}

/// What `error` says while a rate waits for its second sample.
pub const WARMING_UP: &str = "warming_up";
/// Failures told in one message.
const MAX_FAILED: usize = 64;

/// Collects failures while a collection runs.
#[derive(Debug, Default)]
pub struct Report {
    collection: Collection,
}

impl Report {
    /// Notes a failure.
    pub fn failed(&mut self, name: &str, error: &impl Display) {
        if self.collection.failed.len() < MAX_FAILED {
            self.collection.failed.push(FailedCollector { collector: name.into(), error: error.to_string() });
        }
    }

    /// Notes a list that was cut, when it was.
    pub fn listed(&mut self, name: &str, listed: usize, total: usize) {
        if listed < total {
            self.collection.truncated.insert(name.into(), count(total as u64));
        }
    }

    /// Notes the age of figures, where it is a millisecond or more.
    pub fn aged(&mut self, name: &str, age: Duration) {
        let ms = millis(age);
        if ms > 0 {
            self.collection.age_ms.insert(name.into(), ms);
        }
    }

    /// The whole.
    pub fn finish(mut self, duration: Duration) -> Collection {
        self.collection.duration_ms = duration.as_millis() as u64;
        self.collection
    }
}

/// Runs one metric; gives what its error or its panic says.
pub fn attempt<E: Display>(metric: impl FnOnce() -> Result<(), E>) -> Result<(), String> {
    match catch_unwind(AssertUnwindSafe(metric)) {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("panicked: {}", panic_text(&*panic))),
    }
}

/// What a panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_and_a_panic_are_told_alike() {
        assert_eq!(attempt(|| Ok::<_, String>(())), Ok(()));
        assert_eq!(attempt(|| Err("gone")), Err("gone".into()));
        assert_eq!(attempt(|| -> Result<(), String> { panic!("at {}", 5) }), Err("panicked: at 5".into()));
    }

    #[test]
    fn only_a_list_that_was_cut_is_counted() {
        let mut report = Report::default();
        report.listed("processes", 100, 170);
        report.listed("ports", 3, 3);
        let truncated = report.finish(Duration::ZERO).truncated;
        assert_eq!(truncated.into_iter().collect::<Vec<_>>(), [("processes".to_owned(), 170)]);
    }
}
