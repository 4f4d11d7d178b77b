//! What is fuzzed: every reader of what others write, and what must hold whatever they write.
//!
//! Here, and not in `fuzz/`, because readers are no part of the library's interface. Compiled for this crate's tests, which
//! replay the corpora below `fuzz/corpus`, and under the feature `fuzzing`, for cargo-fuzz. Never in a release.

#[cfg(test)]
mod mutation;
#[cfg(test)]
mod tests;
mod tools;
mod wire;

/// A target: panics where something that must hold does not.
pub type Target = fn(&[u8]);

/// All targets, by the names of their files in `fuzz/fuzz_targets` and their corpora.
pub const TARGETS: &[(&str, Target)] = &[
    ("apt", infiniservice_actions::packages::fuzzing::apt),
    ("codec", wire::codec),
    ("config", crate::config::fuzzing::file),
    ("dpkg", tools::dpkg),
    ("envelope", wire::envelope),
    ("guest_line", wire::guest_line),
    ("host_line", wire::host_line),
    ("inventory", tools::inventory),
    ("netlink", infiniservice_collector::fuzzing::netlink),
    ("os_release", tools::os_release),
    ("proc", tools::proc),
    ("rpm", tools::rpm),
    ("tools", tools::tools),
    ("winget", infiniservice_actions::packages::fuzzing::winget),
    ("zypper", infiniservice_actions::packages::fuzzing::zypper),
];

/// Runs the target of this name; a name that is none is a fault of the caller's.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.unwrap_or_else(|| panic!("{name} is no target")).1(bytes);
}
