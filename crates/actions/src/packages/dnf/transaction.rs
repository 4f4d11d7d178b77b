//! The table in which dnf shows what it is about to do, under `--assumeno`.
//!
//! Run against dnf 4.14; dnf5's differs in its summary ("Removing: 2 packages" for "Remove  2 Packages") and is minded after
//! its documentation.

use crate::packages::{Plan, Planned, Replaced};
use infiniservice_platform::sanitize::quote;
use std::collections::HashSet;

/// What dnf says when it was told not to go on.
pub(super) const ABORTED: &str = "Operation aborted";
/// Columns of a row that are not its size: name, architecture, version and repository.
const COLUMNS: usize = 4;

/// What a table's row does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Brought,
    Removed,
    Downgraded,
    /// Named, but left alone.
    Skipped,
}

/// The rows of a table.
#[derive(Debug, Default)]
pub(super) struct Steps {
    rows: Vec<(Kind, Planned)>,
    replaced: Vec<Replaced>,
}

impl Steps {
    fn of(&self, kind: Kind) -> impl Iterator<Item = &Planned> {
        self.rows.iter().filter(move |(of, _)| *of == kind).map(|(_, planned)| planned)
    }

    /// What is taken away. Of packages that are kept in several versions, as kernels are, the oldest makes room for the newest
    /// (dnf.conf(5), `installonly_limit`).
    pub(super) fn plan(&self) -> Plan {
        let comes = |old: &Planned| {
            self.of(Kind::Brought).any(|new| (&new.name, &new.architecture) == (&old.name, &old.architecture))
        };
        let (rotated, removed): (Vec<_>, Vec<_>) = self.of(Kind::Removed).cloned().partition(comes);
        let rotated = rotated.into_iter().map(|old| Replaced { by: old.name.clone(), old });
        Plan {
            removed,
            downgraded: self.of(Kind::Downgraded).cloned().collect(),
            replaced: self.replaced.iter().cloned().chain(rotated).collect(),
        }
    }

    /// Name and version of what comes.
    pub(super) fn brought(&self) -> HashSet<(String, String)> {
        let key = |one: &Planned| (one.name.clone(), one.version.clone().unwrap_or_default());
        self.of(Kind::Brought).map(key).collect()
    }
}

/// Reads it. Without a table there must be "Nothing to do"; and the summary's counts must agree.
pub(super) fn read(text: &str) -> Result<Steps, String> {
    let Some((table, summary)) = text.split_once("Transaction Summary") else {
        if text.contains("Nothing to do") || text.trim().is_empty() {
            return Ok(Steps::default());
        }
        return Err(format!("dnf shows no table of its transaction: {}", quote(text.trim())));
    };
    let steps = rows(table)?;
    // Those that others replace are not in the summary's count.
    for (kind, words) in
        [(Kind::Removed, ["Remove", "Removing:"]), (Kind::Downgraded, ["Downgrade", "Downgrading:"])]
    {
        if counted(summary, words) != steps.of(kind).count() {
            return Err(format!(
                "dnf's table does not list everything that its summary counts: {}",
                quote(summary.trim())
            ));
        }
    }
    Ok(steps)
}

/// `Remove     2 Packages` or ` Removing:   2 packages`.
fn counted(summary: &str, words: [&str; 2]) -> usize {
    let mut numbers = summary.lines().filter_map(|line| {
        let mut parts = line.split_whitespace();
        let first = parts.next()?;
        words.contains(&first).then(|| parts.next()?.parse::<usize>().ok())?
    });
    numbers.next().unwrap_or_default()
}

/// A section's heading begins its line; a row begins with a blank, and goes on below where its name is long.
fn rows(table: &str) -> Result<Steps, String> {
    let (mut steps, mut kind, mut words) = (Steps::default(), None, Vec::new());
    for line in table.lines() {
        if !line.starts_with(' ') {
            settle(&words)?;
            (kind, words) = (section(line), Vec::new());
            continue;
        }
        let Some(kind) = kind else { continue };
        if let Some(old) = replaced(line) {
            let by = steps.rows.last().map_or_else(String::new, |(_, new)| new.name.clone());
            steps.replaced.push(Replaced { old, by });
            continue;
        }
        words.extend(line.split_whitespace());
        if let [name, architecture, version, _repository, _size, ..] = words[..] {
            steps.rows.push((kind, planned(name, architecture, version)));
            words.clear();
        }
    }
    settle(&words)?;
    Ok(steps)
}

fn settle(words: &[&str]) -> Result<(), String> {
    // What is cut short of its repository says nothing for certain.
    if words.is_empty() || words.len() > COLUMNS {
        return Ok(());
    }
    Err(format!("a row of dnf's table could not be parsed: {}", quote(&words.join(" "))))
}

fn planned(name: &str, architecture: &str, version: &str) -> Planned {
    let version = version.strip_prefix("0:").unwrap_or(version);
    Planned {
        name: name.to_owned(),
        architecture: Some(architecture.to_owned()),
        version: Some(version.to_owned()),
    }
}

/// `     replacing  old.noarch 1.0-1`, below the row of what replaces it. dnf5 sets blanks for the dot, and names the former version
/// of a package so, too.
fn replaced(line: &str) -> Option<Planned> {
    let name = line.trim_start().strip_prefix("replacing ")?.split_whitespace().next()?;
    let name =
        name.rsplit_once('.').filter(|(_, of)| ARCHITECTURES.contains(of)).map_or(name, |(name, _)| name);
    Some(Planned { name: name.to_owned(), ..Planned::default() })
}

/// What may stand behind the dot of a replaced package.
const ARCHITECTURES: [&str; 8] =
    ["noarch", "x86_64", "i686", "i386", "aarch64", "armv7hl", "ppc64le", "s390x"];

/// `Removing dependent packages:` and the like.
fn section(heading: &str) -> Option<Kind> {
    let heading = heading.trim_end();
    let kind = |begin: &str| heading.starts_with(begin);
    match heading.ends_with(':') || heading.ends_with(')') {
        _ if kind("Skipping") => Some(Kind::Skipped),
        true if kind("Installing") || kind("Upgrading") || kind("Reinstalling") => Some(Kind::Brought),
        true if kind("Removing") => Some(Kind::Removed),
        true if kind("Downgrading") => Some(Kind::Downgraded),
        _ => None,
    }
}
