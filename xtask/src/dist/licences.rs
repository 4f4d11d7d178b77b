//! The licence texts of every crate that is linked into the programs: their licences ask that they go with them.

use super::graph::{Graph, text};
use super::site::Site;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The file's name in a release.
pub const NAME: &str = "THIRD-PARTY-LICENSES.txt";
/// How the names of such files begin, in any case.
const BEGINNINGS: [&str; 5] = ["license", "licence", "copying", "notice", "unlicense"];

/// Each text once, below the crates that it is of.
pub fn of_dependencies(site: &Site) -> Result<String> {
    let graph = Graph::of(site)?;
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut told = String::from("The programs contain these crates, each under its licence:\n\n");
    for package in graph.packages().into_iter().filter(|package| !package["source"].is_null()) {
        let name = format!("{} {}", text(package, "name"), text(package, "version"));
        writeln!(told, "  {name}: {}", text(package, "license"))?;
        let directory =
            Path::new(text(package, "manifest_path")).parent().context("a manifest has a place")?;
        for licence in licences(directory)? {
            texts.entry(licence).or_default().insert(name.clone());
        }
    }
    // By their crates, as the texts' own order says nothing.
    let mut texts: Vec<_> = texts.into_iter().map(|(text, names)| (names, text)).collect();
    texts.sort();
    for (names, text) in texts {
        let names: Vec<_> = names.into_iter().collect();
        write!(told, "\n{}\n{}\n\n{}\n", "=".repeat(80), names.join(", "), text.trim_end())?;
    }
    Ok(told)
}

fn licences(directory: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if entry.file_type()?.is_file() && BEGINNINGS.iter().any(|beginning| name.starts_with(beginning)) {
            found.push(String::from_utf8_lossy(&fs::read(entry.path())?).replace('\r', ""));
        }
    }
    Ok(found)
}
