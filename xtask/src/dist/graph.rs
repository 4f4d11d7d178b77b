//! The crates that are linked into the programs, as cargo resolves them for the release's target.

use super::linux::PROGRAMS;
use super::site::{Site, TARGET, output};
use anyhow::Result;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What `cargo metadata` tells, and which of its packages are linked into the programs.
pub struct Graph {
    metadata: Value,
    linked: BTreeSet<String>,
}

impl Graph {
    /// Of all programs.
    pub fn of(site: &Site) -> Result<Self> {
        Self::of_programs(site, &PROGRAMS)
    }

    /// Of these programs.
    pub fn of_programs(site: &Site, programs: &[&str]) -> Result<Self> {
        let arguments = ["metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET];
        let metadata: Value = serde_json::from_str(&output(&mut site.cargo(&arguments)?)?)?;
        let linked = linked(&metadata, programs);
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

fn linked(metadata: &Value, programs: &[&str]) -> BTreeSet<String> {
    let own = packages(metadata).filter(|package| programs.contains(&text(package, "name")));
    let mut open: Vec<&str> = own.map(|package| text(package, "id")).collect();
    let nodes: BTreeMap<&str, &Value> = nodes(metadata).map(|node| (text(node, "id"), node)).collect();
    let mut found = BTreeSet::new();
    while let Some(id) = open.pop() {
        if found.insert(id.to_owned()) {
            open.extend(nodes.get(id).into_iter().flat_map(|node| used(node)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_only_tests_use_is_not_linked() {
        let use_of = |id: &str, kind: Value| json!({"pkg": id, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "packages": [{"id": "a#1", "name": "a"}, {"id": "b#1", "name": "b"}, {"id": "t#1", "name": "t"}],
            "resolve": {"nodes": [
                {"id": "a#1", "deps": [use_of("b#1", Value::Null), use_of("t#1", "dev".into())]},
                {"id": "b#1", "deps": [use_of("t#1", "build".into())]},
                {"id": "t#1", "deps": []},
            ]},
        });
        assert_eq!(linked(&metadata, &["a"]).into_iter().collect::<Vec<_>>(), ["a#1", "b#1"]);
    }
}
