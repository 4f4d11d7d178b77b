//! What is fuzzed of the package managers: each answer to each question, and what becomes of the names in it.

use super::winget::Winget;
use super::{Apt, Best, Dnf, PackageManager, PackageSpec, Scope, Words, Zypper};
use crate::fuzzing::{fits_the_wire, text};
use infiniservice_exec::{Captured, Finished, Status};
use std::time::Duration;

/// `dpkg-query`'s list.
pub fn dpkg(bytes: &[u8]) {
    read_as(&Apt, &text(bytes));
}

/// `rpm`'s list, and `dnf`'s words.
pub fn rpm(bytes: &[u8]) {
    read_as(&Dnf, &text(bytes));
    says(&Dnf, bytes);
}

/// `apt-get`'s simulation and its words.
pub fn apt(bytes: &[u8]) {
    pending(&Apt, &text(bytes));
    says(&Apt, bytes);
}

/// `winget`'s table and its words.
pub fn winget(bytes: &[u8]) {
    let winget = Winget { program: "winget.exe".into() };
    read_as(&winget, &text(bytes));
    says(&winget, bytes);
}

/// `zypper`'s answers and its words.
pub fn zypper(bytes: &[u8]) {
    pending(&Zypper, &text(bytes));
    found(&Zypper, &text(bytes));
    says(&Zypper, bytes);
}

fn read_as(manager: &dyn PackageManager, text: &str) {
    let list = manager.read_list(text).rows;
    let first = list.first().map_or("x", |package| package.name.as_str());
    let _ = manager.read_query(&PackageSpec::named(first), text);
    fits_the_wire(&list);
    let _ = manager.read_versions(text);
    found(manager, text);
    pending(manager, text);
}

/// A search finds what it can read, whatever repositories call their packages.
fn found(manager: &dyn PackageManager, text: &str) {
    let words = Words::of("a");
    let mut best = Best::of(&words, 200);
    text.lines().filter_map(|line| manager.read_hit(line)).flatten().for_each(|hit| best.take(hit));
    let names: Vec<_> = best.finish().0.into_iter().map(|hit| hit.name).collect();
    fits_the_wire(&names);
}

/// A name that a repository made up is no option, and no file, of the command that installs it.
fn pending(manager: &dyn PackageManager, text: &str) {
    let Ok(updates) = manager.read_pending(text, text) else { return };
    let updates = updates.rows;
    fits_the_wire(&updates);
    let none = manager.update(Scope::Security(&[]), false, Duration::ZERO).arguments.len();
    let some = manager.update(Scope::Security(&updates), false, Duration::ZERO).arguments;
    for argument in some.iter().skip(none).map(|argument| argument.to_string_lossy()) {
        let plain = !argument.starts_with('-') && !argument.contains(|c: char| c == '/' || c.is_whitespace());
        assert!(plain, "{argument:?}");
    }
}

/// Words for a failure, with the first byte as the exit code and the rest halved into output and error output.
fn says(manager: &dyn PackageManager, bytes: &[u8]) {
    let (code, rest) = bytes.split_first().map_or((0, bytes), |(code, rest)| (i32::from(*code), rest));
    let (stdout, stderr) = rest.split_at(rest.len() / 2);
    let captured = |bytes: &[u8]| Captured::from(text(bytes));
    let status = Status::Exited(code);
    let finished = Finished { status, stdout: captured(stdout), stderr: captured(stderr) };
    let _ = (manager.read_known(&finished), manager.ended_well(&finished), manager.failure(&finished));
    let _ = manager.read_plan(&finished);
    if let Ok(target) = manager.target(&text(bytes)) {
        assert!(!target.name.starts_with('-') && !target.name.contains(char::is_whitespace), "{target:?}");
    }
}
