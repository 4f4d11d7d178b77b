//! The crates that are linked into the programs, as cargo resolves them for the release's target.

use super::linux::{HUB, PROGRAMS};
use super::site::{Site, TARGET, output};
use anyhow::Result;
use serde_json::Value;
use std::collections::BTreeSet;

/// What `cargo metadata` tells, and which of its packages are linked into the programs.
pub struct Graph {
    metadata: Value,
    linked: BTreeSet<String>,
}

impl Graph {
    /// Of all programs.
    pub fn of(site: &Site) -> Result<Self> {
        Self::of_programs(site, &[PROGRAMS[0], PROGRAMS[1], HUB])
    }

    /// Of these programs. `cargo metadata` resolves the whole workspace, with features that only tests turn on; `cargo tree` tells
    /// what each program alone is linked of.
    pub fn of_programs(site: &Site, programs: &[&str]) -> Result<Self> {
        let arguments = ["metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET];
        let metadata: Value = serde_json::from_str(&output(&mut site.cargo(&arguments)?)?)?;
        let mut linked = BTreeSet::new();
        for program in programs {
            let edges = "normal,no-proc-macro";
            let tree =
                ["tree", "--locked", "--target", TARGET, "--edges", edges, "--prefix", "none", "--package"];
            let tree = output(site.cargo(&tree)?.arg(program))?;
            linked.extend(ids(&metadata, &tree));
        }
        Ok(Self { metadata, linked })
    }

    /// The packages linked, in the order of their names.
    pub fn packages(&self) -> Vec<&Value> {
        let linked = |package: &&Value| self.linked.contains(text(package, "id"));
        let mut found: Vec<_> = packages(&self.metadata).filter(linked).collect();
        found.sort_by_key(|package| (text(package, "name"), text(package, "version")));
        found
    }

    /// The ids of those that the package of this id uses, in order.
    pub fn used_by(&self, id: &str) -> Vec<&str> {
        let mut used: Vec<_> =
            nodes(&self.metadata).filter(|node| text(node, "id") == id).flat_map(used).collect();
        used.sort_unstable();
        used
    }
}

/// A text of an object; empty where there is none.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

fn nodes(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["resolve"]["nodes"].as_array().into_iter().flatten()
}

/// Not what is for tests or for building only.
fn used(node: &Value) -> impl Iterator<Item = &str> {
    let is_ordinary =
        |kinds: &Value| kinds.as_array().into_iter().flatten().any(|kind| kind["kind"].is_null());
    let dependencies = node["deps"].as_array().into_iter().flatten();
    dependencies.filter(move |dependency| is_ordinary(&dependency["dep_kinds"])).map(|it| text(it, "pkg"))
}

/// The ids of the packages of a tree, whose lines begin with a name and `v` with a version.
fn ids(metadata: &Value, tree: &str) -> Vec<String> {
    let line = |line: &str| Some((line.split(' ').next()?.to_owned(), line.split(' ').nth(1)?.to_owned()));
    let told: BTreeSet<(String, String)> = tree.lines().filter_map(line).collect();
    let is_told = |package: &&Value| {
        told.contains(&(text(package, "name").to_owned(), format!("v{}", text(package, "version"))))
    };
    packages(metadata).filter(is_told).map(|package| text(package, "id").to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tree_tells_packages_by_name_and_version() {
        let package = |id: &str, version: &str| json!({"id": id, "name": "a", "version": version});
        let metadata = json!({"packages": [package("a#1", "1.0.0"), package("a#2", "2.0.0")]});
        assert_eq!(ids(&metadata, "b v1.0.0 (/x)\na v2.0.0 (*)\n\n"), ["a#2"]);
    }

    #[test]
    fn what_only_tests_use_is_no_dependency() {
        let use_of = |id: &str, kind: Value| json!({"pkg": id, "dep_kinds": [{"kind": kind}]});
        let node = json!({"deps": [use_of("b#1", Value::Null), use_of("t#1", "dev".into()), use_of("u#1", "build".into())]});
        assert_eq!(used(&node).collect::<Vec<_>>(), ["b#1"]);
    }
}
