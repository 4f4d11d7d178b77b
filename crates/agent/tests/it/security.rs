//! `SECURITY.md` claims nothing that no test holds, and `docs/dependencies.md` is the table of what is there.

use crate::support::{dependencies, top};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// The text of one of the repository's files.
fn read(path: &str) -> String {
    crate::support::read(&top().join(path))
}

/// The text of every source file below `directory`.
fn sources(directory: &Path) -> String {
    let paths = fs::read_dir(directory).expect("readable").map(|entry| entry.expect("readable").path());
    let text = |path: PathBuf| match path.extension().is_some_and(|extension| extension == "rs") {
        _ if path.is_dir() => sources(&path),
        true => fs::read_to_string(path).expect("text"),
        false => String::new(),
    };
    paths.map(text).collect()
}

/// The cells of each row of a page's tables, headings and rules left out.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let mut rows: Vec<Vec<&str>> = Vec::new();
    for line in page.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        if cells.iter().all(|cell| cell.starts_with("---")) {
            rows.pop();
        } else {
            rows.push(cells);
        }
    }
    rows
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn each_claim_of_security_md_names_tests_that_are_there() {
    let (page, sources) = (read("SECURITY.md"), sources(&top().join("crates")));
    let claims = rows(&page);
    assert!(claims.len() >= 20, "{} claims", claims.len());
    for claim in &claims {
        let tests = quoted(claim[1]);
        assert!(!tests.is_empty(), "no test holds that one {}", claim[0]);
        for test in tests {
            let (scenario, function) = (format!("\"{test}\""), format!("fn {test}("));
            let there = sources.contains(&if test.contains("::") { scenario } else { function });
            assert!(there, "the test {test} is not there: {}", claim[0]);
        }
    }
}

#[test]
fn the_table_of_dependencies_has_each_once_with_its_reason_and_its_runner_up_and_no_other() {
    let page = read("docs/dependencies.md");
    // The tools that build releases have a table of their own, below a heading.
    let rows = rows(page.split("\n## ").next().unwrap_or_default());
    let told: Vec<String> = rows.iter().flat_map(|row| quoted(row[0])).map(str::to_owned).collect();
    let manifests = ["Cargo.toml", "fuzz/Cargo.toml"];
    let mut named: BTreeSet<_> = manifests.iter().flat_map(|path| dependencies(&top().join(path))).collect();
    // The workspace's own crates.
    named.retain(|name| !name.starts_with("infini"));
    let told_once: BTreeSet<String> = told.iter().cloned().collect();
    assert_eq!((told_once, told.len()), (named.clone(), named.len()), "rows, and what manifests name");
    for row in &rows {
        assert!(row.len() == 4 && row.iter().all(|cell| !cell.is_empty()), "a cell is empty: {row:?}");
    }
}

/// journald counts the lines of a whole unit, those of its commands included, and drops what is too many (journald.conf(5)); and only
/// the main process speaks for the unit.
#[test]
fn no_flood_of_lines_makes_the_journal_drop_the_agents_own() {
    for unit in ["packaging/infiniservice.service", "packaging/infiniservice-readonly.service"] {
        let text = read(unit);
        for wanted in ["LogRateLimitIntervalSec=0", "NotifyAccess=main"] {
            assert!(text.lines().any(|line| line == wanted), "{unit} lacks {wanted}");
        }
    }
}

/// Crates of which the lock file has more than one version: the others are in procedural macros, in the lab and in tests, and, where
/// ring, OpenTelemetry's SDK and the keys of NATS' users (nkeys) ask for them, in the host's programs. None is in the guest twice.
const TWICE: [&str; 19] = [
    "bitflags",
    "block-buffer",
    "const-oid",
    "cpufeatures",
    "crypto-common",
    "curve25519-dalek",
    "digest",
    "ed25519",
    "ed25519-dalek",
    "fiat-crypto",
    "getrandom",
    "r-efi",
    "rand",
    "rand_chacha",
    "rand_core",
    "sha2",
    "signature",
    "syn",
    "windows-sys",
];

#[test]
fn every_dependency_is_a_release_of_the_registry_and_is_there_once() {
    let text = read("Cargo.lock");
    let table = DeTable::parse(&text).expect("TOML");
    let Some(DeValue::Array(packages)) = table.get_ref().get("package").map(toml::Spanned::get_ref) else {
        panic!("no packages");
    };
    let (mut once, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for package in packages {
        let DeValue::Table(package) = package.get_ref() else { panic!("a package is no table") };
        let of = |key: &str| package.get(key).and_then(|value| value.get_ref().as_str()).unwrap_or_default();
        let (name, source) = (of("name"), of("source"));
        let is_ours = name.starts_with("infini") || name == "xtask";
        let is_release =
            source == "registry+https://github.com/rust-lang/crates.io-index" && of("checksum").len() == 64;
        assert!(if is_ours { source.is_empty() } else { is_release }, "{name} of {source:?}");
        if !once.insert(name.to_owned()) {
            twice.insert(name.to_owned());
        }
    }
    assert!(once.len() > 100, "{} packages", once.len());
    assert_eq!(twice, TWICE.map(str::to_owned).into());
}

#[test]
fn the_check_of_advisories_stands_ready() {
    let deny = read("deny.toml");
    let table = DeTable::parse(&deny).expect("TOML");
    let advisories = table.get_ref().get("advisories").and_then(|value| match value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    });
    assert!(
        advisories.is_some_and(|table| !table.contains_key("ignore")),
        "an advisory is ignored without a word"
    );
    assert!(read("docs/dependencies.md").contains("cargo deny check advisories"));
}
