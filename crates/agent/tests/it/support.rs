//! Files of the repository, for the tests that hold them against each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// The repository's directory.
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The text of a file.
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The names of every dependency that a manifest names, tests' and platforms' included.
pub fn dependencies(manifest: &Path) -> BTreeSet<String> {
    let text = read(manifest);
    let table = DeTable::parse(&text).expect("TOML");
    let mut names = BTreeSet::new();
    collect(table.get_ref(), &mut names);
    names
}

fn collect(table: &DeTable<'_>, names: &mut BTreeSet<String>) {
    for (key, value) in table {
        let DeValue::Table(inner) = value.get_ref() else { continue };
        if key.get_ref().ends_with("dependencies") {
            names.extend(inner.keys().map(|name| name.get_ref().to_string()));
        } else if key.get_ref() != "features" {
            collect(inner, names);
        }
    }
}
