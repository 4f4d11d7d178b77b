//! Which sockets are there: patterns are looked up in their directories.

use crate::pattern::{Match, Part, Pattern};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// Names of directories that are read in one look.
const MAX_NAMES: usize = 100_000;

/// What a path says of its machine's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) vm: String,
    /// Whether libvirt may have shortened it.
    pub(super) may_be_short: bool,
}

/// What one look found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Sockets, by their paths.
    pub(super) sockets: BTreeMap<PathBuf, Named>,
    /// Directories whose changes matter; of one that is missing the nearest above it.
    pub(super) directories: BTreeSet<PathBuf>,
    /// What could not be read, and why.
    pub(super) unreadable: Vec<String>,
    names: usize,
}

/// Looks at all patterns.
pub(super) fn scan(patterns: &[Pattern]) -> Found {
    let mut found = Found::default();
    for pattern in patterns {
        found.below(Path::new("/"), pattern.parts(), None);
    }
    found
}

impl Found {
    fn below(&mut self, directory: &Path, parts: &[Part], vm: Option<&Named>) {
        let Some((part, after)) = parts.split_first() else { return };
        if let Some(name) = part.literal() {
            let path = directory.join(name);
            if !after.is_empty() && !path.is_dir() {
                self.directories.insert(directory.to_path_buf());
                return;
            }
            return self.entry(path, after, vm, directory);
        }
        self.directories.insert(directory.to_path_buf());
        for (path, own) in self.matching(directory, part) {
            self.entry(path, after, own.as_ref().or(vm), directory);
        }
    }

    fn entry(&mut self, path: PathBuf, after: &[Part], vm: Option<&Named>, directory: &Path) {
        if !after.is_empty() {
            return self.below(&path, after, vm);
        }
        self.directories.insert(directory.to_path_buf());
        let is_socket = path.metadata().is_ok_and(|facts| facts.file_type().is_socket());
        if let Some(vm) = vm.filter(|_| is_socket) {
            self.sockets.insert(path, vm.clone());
        }
    }

    fn matching(&mut self, directory: &Path, part: &Part) -> Vec<(PathBuf, Option<Named>)> {
        let entries = match directory.read_dir() {
            Ok(entries) => entries,
            Err(error) => {
                self.unreadable.push(format!("cannot read {}: {error}", directory.display()));
                return Vec::new();
            }
        };
        let mut matching = Vec::new();
        for entry in entries.flatten() {
            self.names += 1;
            if self.names > MAX_NAMES {
                self.unreadable.push(format!("more than {MAX_NAMES} names; the rest was not looked at"));
                break;
            }
            let name = entry.file_name();
            let Some(Match { vm, may_be_short }) = name.to_str().and_then(|name| part.matches(name)) else {
                continue;
            };
            matching.push((entry.path(), vm.map(|vm| Named { vm, may_be_short })));
        }
        matching
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    fn names(found: &Found) -> Vec<&str> {
        found.sockets.values().map(|it| it.vm.as_str()).collect()
    }

    #[test]
    fn sockets_are_found_by_their_names_and_files_are_none() {
        let root = tempfile::tempdir().unwrap();
        let pattern = format!("{}/{{domain}}/org.infinibay.agent*", root.path().display());
        let patterns = [Pattern::parse(&pattern).unwrap()];
        for directory in ["domain-3-web", "domain-12-db", "other"] {
            std::fs::create_dir(root.path().join(directory)).unwrap();
        }
        let _listeners = ["domain-3-web", "other"].map(|directory| {
            UnixListener::bind(root.path().join(directory).join("org.infinibay.agent.0")).unwrap()
        });
        std::fs::write(root.path().join("domain-12-db/org.infinibay.agent.0"), "").unwrap();
        let found = scan(&patterns);
        assert_eq!(names(&found), ["web"]);
        assert!(found.directories.contains(&root.path().join("domain-12-db")));
    }

    #[test]
    fn of_a_missing_directory_the_nearest_above_is_watched() {
        let root = tempfile::tempdir().unwrap();
        let pattern = format!("{}/a/b/{{vm}}.sock", root.path().display());
        let patterns = [Pattern::parse(&pattern).unwrap()];
        assert_eq!(scan(&patterns).directories, [root.path().to_path_buf()].into());
        std::fs::create_dir_all(root.path().join("a")).unwrap();
        assert_eq!(scan(&patterns).directories, [root.path().join("a")].into());
    }
}
