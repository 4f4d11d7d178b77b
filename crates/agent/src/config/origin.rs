//! Where a value came from.

use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// Where a value came from, weakest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// Built in.
    Default,
    /// The configuration file.
    File {
        /// As it was opened.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// A systemd credential.
    Credential {
        /// Its file.
        path: PathBuf,
    },
    /// An environment variable.
    Variable {
        /// Its name.
        name: String,
    },
    /// A command-line flag.
    Flag {
        /// With its dashes.
        name: String,
    },
    /// Follows from another setting.
    Implied {
        /// That setting's name.
        by: String,
        /// Where that one came from.
        origin: Box<Origin>,
    },
}

impl Origin {
    /// A higher rank overrides a lower one.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Credential { .. } => 2,
            Self::Variable { .. } => 3,
            Self::Flag { .. } => 4,
            Self::Implied { origin, .. } => origin.rank(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Credential { path } => write!(f, "credential {}", path.display()),
            Self::Variable { name } => write!(f, "variable {name}"),
            Self::Flag { name } => write!(f, "flag {name}"),
            Self::Implied { by, origin } => write!(f, "{by} ({origin})"),
        }
    }
}
