//! Whether a newer kernel than the running one is installed: what `/boot` and `/lib/modules` hold, whatever the packages' names.

use crate::packages::compare_versions;
use std::cmp::Ordering;
use std::path::Path;

/// Kernels looked at in one directory.
const MAX_ENTRIES: usize = 1000;
/// A release's length, as uname(2) bounds it.
const MAX_RELEASE_BYTES: usize = 65;
/// Where kernels lie, with what their names begin with.
const PLACES: [(&str, &str); 3] = [("boot", "vmlinuz-"), ("lib/modules", ""), ("usr/lib/modules", "")];

/// What is known of the kernels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kernels {
    /// The running one is the newest of its flavour.
    Newest,
    /// This one is newer than the running one.
    Newer {
        /// Its release.
        installed: String,
        /// The running one's.
        running: String,
    },
    /// It cannot be told, and why.
    Untold(&'static str),
}

/// Compares what is below `root`.
pub(super) fn look(root: &Path) -> Kernels {
    let Ok(running) = std::fs::read_to_string(root.join("proc/sys/kernel/osrelease")) else {
        return Kernels::Untold("the running kernel's release could not be read");
    };
    judge(running.trim(), &installed(root))
}

fn installed(root: &Path) -> Vec<String> {
    let names = |(directory, begin): &(&str, &str)| {
        let entries =
            std::fs::read_dir(root.join(directory)).into_iter().flatten().flatten().take(MAX_ENTRIES);
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let releases = names.filter_map(|name| name.strip_prefix(begin).map(str::to_owned));
        releases.filter(|release| is_release(release)).collect::<Vec<_>>()
    };
    PLACES.iter().flat_map(names).collect()
}

/// `6.1.0-18-amd64`; neither `extra`, nor Fedora's `0-rescue-…`, nor what an update left behind.
fn is_release(text: &str) -> bool {
    let number = text.split(['.', '-']).next().unwrap_or_default();
    let left = [".old", ".bak", ".dpkg-new", ".dpkg-tmp", ".rpmsave"].iter().any(|end| text.ends_with(end));
    text.len() <= MAX_RELEASE_BYTES
        && !left
        && text.contains('.')
        && number.parse::<u32>().is_ok_and(|major| major > 0)
}

/// By the installed kernels of the running one's flavour. One that is not installed came from elsewhere (a container's host,
/// or a file beside the machine), or its files were replaced: nothing tells which.
pub(super) fn judge(running: &str, installed: &[String]) -> Kernels {
    if installed.is_empty() {
        return Kernels::Untold("no kernel is installed here: the running one belongs to another system");
    }
    if !installed.iter().any(|one| one == running) {
        return Kernels::Untold("the running kernel is not one of the installed ones");
    }
    let newer = installed.iter().filter(|one| flavour(one) == flavour(running));
    match newer.max_by(|a, b| order(a, b)) {
        Some(newest) if order(newest, running).is_gt() => {
            Kernels::Newer { installed: newest.clone(), running: running.to_owned() }
        }
        _ => Kernels::Newest,
    }
}

/// A release candidate comes before its release.
fn order(a: &str, b: &str) -> Ordering {
    compare_versions(&a.replace("-rc", "~rc"), &b.replace("-rc", "~rc"))
}

/// `cloud-amd64` of `6.1.0-18-cloud-amd64`, without what changes from release to release: `fc40` is as `fc39`.
fn flavour(release: &str) -> String {
    let words =
        release.split(['.', '-', '_', '+']).map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    let words = words.filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()) && *word != "rc");
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(running: &str, installed: &[&str]) -> Kernels {
        judge(running, &installed.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_newer_kernel_of_the_same_flavour_waits_for_a_restart() {
        for (running, newest, other) in [
            ("6.1.0-9-amd64", "6.1.0-18-amd64", "6.12.0-1-cloud-amd64"),
            ("6.5.6-300.fc39.x86_64", "6.8.5-301.fc40.x86_64", "6.9.0-300.fc40.x86_64+debug"),
            ("5.14.0-70.el9.x86_64", "5.14.0-427.el9.x86_64", "0-rescue-abc"),
            ("6.8.0-rc1-custom", "6.8.0-custom", "6.9.0-other"),
        ] {
            let told = judged(running, &[newest, running, other]);
            assert_eq!(told, Kernels::Newer { installed: newest.into(), running: running.into() });
            assert_eq!(judged(newest, &[running, newest, other]), Kernels::Newest, "{newest}");
        }
    }

    #[test]
    fn a_kernel_from_elsewhere_tells_nothing() {
        for installed in [&[][..], &["6.1.0-18-amd64"]] {
            assert!(matches!(judged("6.18.5-host", installed), Kernels::Untold(_)), "{installed:?}");
        }
    }

    #[test]
    fn kernels_are_found_by_their_files_whatever_their_packages_are_called() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            std::fs::create_dir_all(root.path().join(path).parent().unwrap()).unwrap();
            std::fs::write(root.path().join(path), text).unwrap();
        };
        assert!(matches!(look(root.path()), Kernels::Untold(_)));
        put("proc/sys/kernel/osrelease", "6.1.0-9-amd64\n");
        put("lib/modules/6.1.0-9-amd64/modules.dep", "");
        put("lib/modules/extra/x", "");
        put("boot/vmlinuz-0-rescue-0123", "");
        put("boot/vmlinuz-6.1.0-18-amd64.old", "");
        assert_eq!(look(root.path()), Kernels::Newest);
        put("boot/vmlinuz-6.1.0-18-amd64", "");
        assert!(matches!(look(root.path()), Kernels::Newer { .. }));
    }
}
