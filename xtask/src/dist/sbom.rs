//! The bill of materials of each program, as a `CycloneDX` 1.5 file: every crate in it, with version, licence, checksum and what it uses.
//! Written here, of what cargo tells: no time and no random number is in it, so that the same sources give the same bytes.

use super::graph::{Graph, text};
use super::linux::{HUB, PROGRAMS};
use super::site::Site;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Writes them, and tells where.
pub fn write(site: &Site) -> Result<Vec<PathBuf>> {
    let lock = fs::read_to_string(site.root.join("Cargo.lock"))?;
    let checksums = checksums(&lock);
    let one = |program: &&str| -> Result<PathBuf> {
        let bom = bom(&Graph::of_programs(site, &[program])?, program, &checksums)?;
        let path = site.out().join(format!("{program}-{}.cdx.json", env!("CARGO_PKG_VERSION")));
        fs::write(&path, serde_json::to_string_pretty(&bom)? + "\n")?;
        Ok(path)
    };
    PROGRAMS.iter().chain([&HUB]).map(one).collect()
}

fn bom(graph: &Graph, program: &str, checksums: &BTreeMap<(String, String), String>) -> Result<Value> {
    let packages = graph.packages();
    let own =
        packages.iter().find(|package| text(package, "name") == program).context("the program's package")?;
    let others = packages.iter().filter(|package| text(package, "name") != program);
    let names: BTreeMap<&str, String> =
        packages.iter().map(|package| (text(package, "id"), purl(package))).collect();
    let uses = |package: &&Value| {
        let used: Vec<_> =
            graph.used_by(text(package, "id")).into_iter().filter_map(|id| names.get(id)).collect();
        json!({"ref": purl(package), "dependsOn": used})
    };
    Ok(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(own, "application", checksums)},
        "components": others.map(|package| component(package, "library", checksums)).collect::<Vec<_>>(),
        "dependencies": packages.iter().map(uses).collect::<Vec<_>>(),
    }))
}

fn component(package: &Value, kind: &str, checksums: &BTreeMap<(String, String), String>) -> Value {
    let (name, version) = (text(package, "name"), text(package, "version"));
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(package),
        "name": name,
        "version": version,
        // Before licences were SPDX expressions, crates wrote `/` for `OR`.
        "licenses": [{"expression": text(package, "license").replace('/', " OR ")}],
        "purl": purl(package),
    });
    if let Some(checksum) = checksums.get(&(name.to_owned(), version.to_owned())) {
        component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    if let Some(repository) = package["repository"].as_str() {
        component["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    component
}

/// The package's name for programs (package-url).
fn purl(package: &Value) -> String {
    format!("pkg:cargo/{}@{}", text(package, "name"), text(package, "version"))
}

/// The registry's checksums by name and version: `Cargo.lock` has a line for each.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let value = |line: &str, key: &str| Some(line.strip_prefix(key)?.trim_matches('"').to_owned());
    let mut found = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let get = |key: &str| package.lines().find_map(|line| value(line, key));
        if let (Some(name), Some(version), Some(checksum)) =
            (get("name = "), get("version = "), get("checksum = "))
        {
            found.insert((name, version), checksum);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_has_its_licence_as_an_expression_and_the_registrys_checksum() {
        let lock = "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"log\"\n\
            version = \"0.4.35\"\nsource = \"registry\"\nchecksum = \"abc1\"\n";
        let package = json!({"name": "log", "version": "0.4.35", "license": "MIT/Apache-2.0"});
        let component = component(&package, "library", &checksums(lock));
        assert_eq!(component["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(component["hashes"][0], json!({"alg": "SHA-256", "content": "abc1"}));
        assert_eq!(component["purl"], "pkg:cargo/log@0.4.35");
        assert_eq!(checksums(lock).len(), 1);
    }
}
