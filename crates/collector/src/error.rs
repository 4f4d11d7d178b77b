//! Why a collector gave nothing.

use std::io;
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

/// What in a text or record was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {item} is missing or invalid")]
pub struct ParseError {
    /// Counted from 1; 0 for the file as a whole.
    pub line: usize,
    /// The item expected.
    pub item: &'static str,
}

impl ParseError {
    /// `item` on `line`, counted from 1.
    pub(crate) const fn new(line: usize, item: &'static str) -> Self {
        Self { line, item }
    }
}
