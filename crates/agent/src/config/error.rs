//! What can be wrong with a configuration. Every message names source, value and what is allowed.

use super::origin::Origin;
use std::fmt;
use std::path::PathBuf;

/// Most characters of a wrong value that a message repeats.
const LONGEST_QUOTE: usize = 80;

/// One thing wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A file that had to be there is not, or cannot be read.
    #[error("{path}: {problem}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// Not TOML.
    #[error("{path}:{line}: {problem}", path = path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The parser's words.
        problem: String,
    },
    /// No setting has this name.
    #[error("{origin}: unknown setting {}{}", quote(name), hint(*nearest))]
    Unknown {
        /// Where it stands.
        origin: Origin,
        /// As it was written.
        name: String,
        /// The setting that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A value out of bounds or of the wrong kind.
    #[error("{origin}: {name} = {value}: {problem}")]
    Value {
        /// Where it stands.
        origin: Origin,
        /// The setting.
        name: &'static str,
        /// As it was written, quoted; `(not shown)` for a secret.
        value: String,
        /// What it must be.
        problem: String,
    },
    /// Values that do not go together.
    #[error("{0}")]
    Conflict(String),
    /// Errors beyond those that are told.
    #[error("{0} more errors")]
    More(usize),
}

/// Everything wrong, at least one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.0.iter();
        lines.next().map_or(Ok(()), |first| first.fmt(f))?;
        lines.try_for_each(|line| write!(f, "\n{line}"))
    }
}

fn hint(nearest: Option<&'static str>) -> String {
    nearest.map_or(String::new(), |name| format!("; did you mean {name}?"))
}

/// A value as messages show it: quoted, control characters escaped, cut where long.
pub(super) fn quote(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_QUOTE).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    format!("{shown:?}")
}
