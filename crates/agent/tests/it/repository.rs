//! Rules of the repository that a compiler does not check.

use crate::support::{dependencies, read, top};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const MAX_LINES: usize = 400;
/// Characters in a line of a document's prose.
const MAX_COLUMNS: usize = 100;

/// The directories of the workspace's crates.
fn crates() -> Vec<PathBuf> {
    let entries = fs::read_dir(top().join("crates")).expect("crates/");
    let members = entries.map(|entry| entry.expect("readable").path()).chain([top().join("xtask")]);
    members.filter(|path| path.join("Cargo.toml").exists()).collect()
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("readable").path());
    let found = paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The sources of the crates that make up the guest's program.
fn guest() -> Vec<PathBuf> {
    let crates = ["platform", "exec", "collector", "channel", "plugins", "actions", "agent"];
    crates.iter().flat_map(|name| sources(&top().join("crates").join(name).join("src"))).collect()
}

fn sources_of(member: &Path) -> Vec<PathBuf> {
    ["src", "tests", "benches", "examples"].iter().flat_map(|part| sources(&member.join(part))).collect()
}

#[test]
fn every_crate_uses_what_it_depends_on() {
    let mut unused = Vec::new();
    for member in crates() {
        let text: String = sources_of(&member).iter().map(|path| read(path)).collect();
        for name in dependencies(&member.join("Cargo.toml")) {
            let identifier = name.replace('-', "_");
            let uses = [format!("{identifier}::"), format!("use {identifier}"), format!("{identifier} as")];
            if !uses.iter().any(|usage| text.contains(usage)) {
                unused.push(format!("{}: {name}", member.display()));
            }
        }
    }
    assert!(unused.is_empty(), "not used: {unused:#?}");
}

#[test]
fn every_shared_dependency_is_used_by_a_crate() {
    let used: BTreeSet<String> =
        crates().iter().flat_map(|member| dependencies(&member.join("Cargo.toml"))).collect();
    let shared = dependencies(&top().join("Cargo.toml"));
    let unused: Vec<&String> = shared.difference(&used).filter(|name| !name.starts_with("infini")).collect();
    assert!(unused.is_empty(), "in the workspace's table, but in no crate: {unused:?}");
}

#[test]
fn every_source_file_says_what_it_is_for_and_is_short() {
    let mut wrong = Vec::new();
    for path in crates().iter().flat_map(|member| sources_of(member)) {
        let text = read(&path);
        let lines = text.lines().count();
        if !text.starts_with("//!") || lines > MAX_LINES {
            wrong.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert!(wrong.is_empty(), "without a //! line on top, or longer than {MAX_LINES} lines: {wrong:#?}");
}

/// The one crate of the guest with unsafe code, and the programs beside the guest that may have some.
const UNSAFE: [&str; 4] = ["platform", "infinictl", "lab", "e2e"];

/// Sources that have unsafe code: the workspace denies it where it is not allowed by name.
fn with_unsafe_code(directory: &Path) -> Vec<PathBuf> {
    let allows = |path: &PathBuf| read(path).contains(concat!("allow(", "unsafe_code"));
    sources(directory).into_iter().filter(allows).collect()
}

#[test]
fn of_the_guests_crates_only_platform_has_unsafe_code_and_all_others_forbid_it() {
    let may_have = |member: &Path| UNSAFE.iter().any(|name| member.ends_with(name));
    let others: Vec<_> = crates().into_iter().filter(|member| !may_have(member)).collect();
    let roots = others.iter().flat_map(|member| ["src/lib.rs", "src/main.rs"].map(|root| member.join(root)));
    let forbids = |path: &PathBuf| read(path).contains("\n#![forbid(unsafe_code)]\n");
    let open: Vec<_> = roots.filter(|path| path.exists() && !forbids(path)).collect();
    assert!(open.is_empty(), "do not forbid unsafe code: {open:#?}");
    let parts = others.iter().flat_map(|member| ["src", "tests"].map(|part| member.join(part)));
    let found: Vec<_> = parts.flat_map(|part| with_unsafe_code(&part)).collect();
    assert!(found.is_empty(), "unsafe code outside of crates/platform: {found:#?}");
}

#[test]
fn modules_with_unsafe_code_are_named_for_it() {
    let all: Vec<_> = crates().iter().flat_map(|member| with_unsafe_code(&member.join("src"))).collect();
    assert!(all.len() > 20, "{all:?}");
    let named = |path: &&PathBuf| path.to_string_lossy().ends_with("_unsafe.rs");
    let unnamed: Vec<_> = all.iter().filter(|path| !named(path)).collect();
    assert!(unnamed.is_empty(), "not named *_unsafe.rs: {unnamed:#?}");
}

#[test]
fn the_entry_point_only_parses_chooses_and_runs() {
    let lines = read(&top().join("crates/agent/src/main.rs")).lines().count();
    assert!(lines < 80, "{lines} lines");
}

#[test]
fn platforms_are_told_apart_by_modules_only() {
    let mut wrong = Vec::new();
    for path in guest().iter().filter(|path| !path.ends_with("lib.rs")) {
        let text = read(path);
        let mut lines = text.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            let gated = line.trim_start().starts_with("#[cfg(") && line.contains("target_os");
            let next = lines.peek().map_or("", |(_, next)| next.trim_start());
            let of_a_test = next == "#[test]" || next.starts_with("#[tokio::test");
            let allowed = [
                "mod ",
                "pub mod ",
                "use ",
                "pub use ",
                "pub(super) use ",
                "pub(in crate::service) use ",
                "pub(crate) use ",
                "pub(super) mod ",
                "pub(crate) mod ",
                "#[",
            ];
            if gated
                && !of_a_test
                && !(path.ends_with("mod.rs") && allowed.iter().any(|start| next.starts_with(start)))
            {
                wrong.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "cfg(target_os) elsewhere than on mod and use lines of a mod.rs: {wrong:#?}");
}

/// A setting that nothing reads promises what it does not keep.
#[test]
fn every_setting_is_read_by_the_agent() {
    let agent = top().join("crates/agent/src");
    let outside = guest().into_iter().filter(|path| !path.starts_with(agent.join("config")));
    let text: String = outside.map(|path| read(&path)).collect();
    let within = read(&agent.join("config/table.rs"));
    let limits = within.split("pub fn limits").nth(1).expect("Settings::limits");
    let reads = |name: &str| {
        let uses = [
            format!(".{name}\n"),
            format!(".{name})"),
            format!(".{name}."),
            format!(".{name},"),
            format!(".{name} "),
        ];
        uses.iter().any(|usage| text.contains(usage) || limits.contains(usage))
    };
    // Applied while the layers are merged.
    let merged = ["aggressive_retry", "shared_secret_file"];
    // Documented as without effect: ports report data by events on every platform.
    let merged = [&merged[..], &["read_timeout_ms"]].concat();
    let names = infiniservice::config::FIELDS.iter().map(|field| field.name);
    let unread: Vec<_> = names.filter(|name| !merged.contains(name) && !reads(name)).collect();
    assert!(unread.is_empty(), "settings that nothing reads: {unread:?}");
}

/// The lines of a document that a person wrote as prose, with their numbers.
///
/// Tables, code, and what is generated keep their width.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let (mut generated, mut code) = (false, false);
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        if line.starts_with("<!--") {
            generated = line.contains("begin");
        }
        if !generated && !code && !line.starts_with(['|', ' ']) {
            lines.push((number + 1, line));
        }
    }
    lines
}

#[test]
fn lines_of_documents_fit_an_editor() {
    let top = top();
    let directories = [top.clone(), top.join("docs")];
    let files = directories.iter().flat_map(|path| fs::read_dir(path).expect("readable"));
    let files = files.map(|entry| entry.expect("readable").path());
    let mut wrong = Vec::new();
    for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = read(&path);
        let long = prose(&text).into_iter().filter(|(_, line)| line.chars().count() > MAX_COLUMNS);
        wrong.extend(long.map(|(number, _)| format!("{}:{number}", path.display())));
    }
    assert!(wrong.is_empty(), "longer than {MAX_COLUMNS} characters: {wrong:#?}");
}
