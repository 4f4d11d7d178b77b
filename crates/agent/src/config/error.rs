//! What can be wrong with a configuration. Every message names source, value and what is allowed, and the known name that a
//! misspelt one was probably meant to be.

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

/// Longer input is not compared: no name is that long.
const LONGEST_NAME: usize = 80;
/// A shorter beginning fits too many names.
const SHORTEST_BEGINNING: usize = 4;

/// The known name nearest to `given`, where it is near enough to be worth saying.
pub(super) fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > LONGEST_NAME {
        return None;
    }
    let given = given.to_ascii_lowercase().replace('-', "_");
    let limit = (given.len() / 3).clamp(1, 5);
    let scored = known.map(|name| (score(&given, &name.to_ascii_lowercase()), name));
    scored
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A name cut short counts as one slip, however much is missing.
fn score(given: &str, name: &str) -> usize {
    if given.len() >= SHORTEST_BEGINNING && name.starts_with(given) { 1 } else { distance(given, name) }
}

/// Levenshtein's distance, by bytes.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut next = vec![i + 1];
        for ((j, b), pair) in right.bytes().enumerate().zip(row.windows(2)) {
            let (diagonal, above) = (pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0));
            let before = next.get(j).copied().unwrap_or(0);
            next.push((diagonal + usize::from(a != b)).min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keyboard_is_recognised() {
        let known = ["min_backoff_secs", "max_backoff_secs", "vm_id"];
        assert_eq!(nearest("min_backof_secs", known.into_iter()), Some("min_backoff_secs"));
        assert_eq!(nearest("max-backoff-secs", known.into_iter()), Some("max_backoff_secs"));
        assert_eq!(nearest("min_back", known.into_iter()), Some("min_backoff_secs"));
        assert_eq!(nearest("VM_ID", known.into_iter()), Some("vm_id"));
    }

    #[test]
    fn a_name_like_no_other_gets_no_suggestion() {
        assert_eq!(nearest("colour_of_the_sky", ["min_backoff_secs", "vm_id"].into_iter()), None);
        assert_eq!(nearest(&"x".repeat(1 << 20), ["vm_id"].into_iter()), None);
    }

    #[test]
    fn distance_counts_single_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
