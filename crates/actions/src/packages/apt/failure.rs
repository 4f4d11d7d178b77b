//! Why apt-get failed, from its own words.

use crate::packages::failure::{Rule, by_rules, last_words, line_with};
use crate::packages::{Cause, Failure, Holder};
use infiniservice_exec::Finished;
use infiniservice_platform::one_line::quote;

/// In this order: what comes first explains what comes after it.
const RULES: &[Rule] = &[
    (Cause::Interrupted, "dpkg was interrupted"),
    (Cause::Busy, "E: Could not get lock"),
    (Cause::Busy, "E: Unable to acquire the dpkg frontend lock"),
    (Cause::Busy, "E: Unable to lock the administration directory"),
    (Cause::NoSpace, "No space left on device"),
    (Cause::NoSpace, "E: You don't have enough free space"),
    (Cause::NotFound, "E: Unable to locate package"),
    (Cause::NotFound, "has no installation candidate"),
    (Cause::NotFound, "' was not found"),
    (Cause::Dependencies, " : Depends: "),
    (Cause::Dependencies, " : PreDepends: "),
    (Cause::Dependencies, " : Conflicts: "),
    (Cause::Dependencies, " : Breaks: "),
    (Cause::Dependencies, "you have held broken packages"),
    (Cause::Dependencies, "Unmet dependencies"),
    (Cause::Protected, "E: Essential packages were removed"),
    (Cause::Protected, "E: Removing essential"),
    (Cause::WouldRemove, "remove is disabled"),
    (Cause::Held, "E: Held packages were changed"),
    (Cause::Script, "script subprocess "),
    (Cause::Untrusted, "E: There were unauthenticated packages"),
    (Cause::Untrusted, "is not signed"),
    (Cause::Untrusted, "NO_PUBKEY"),
    (Cause::Stale, "404  Not Found"),
    (Cause::Stale, "Failed to stat - stat"),
    (Cause::Stale, "Hash Sum mismatch"),
    (Cause::Unreachable, "Failed to fetch"),
    (Cause::Permission, "are you root?"),
    (Cause::Permission, "(13: Permission denied)"),
];

/// The failure that an ended apt-get tells.
pub(super) fn read(finished: &Finished) -> Failure {
    let mut failure = by_rules(RULES, finished).unwrap_or_else(|| last_words(finished));
    match failure.cause {
        Cause::Busy => failure.holder = holder(finished),
        Cause::WouldRemove => failure.words = quote(&listed(&finished.stdout.text, "will be REMOVED:")),
        _ => {}
    }
    failure
}

/// `… It is held by process 1234 (unattended-upgr)…`: said while it waits, too.
fn holder(finished: &Finished) -> Option<Holder> {
    let (_, tail) = line_with(finished, "held by process ")?.split_once("held by process ")?;
    let (pid, tail) = tail.split_once(|c: char| !c.is_ascii_digit()).unwrap_or((tail, ""));
    let name = tail.split_once('(').and_then(|(_, tail)| tail.split_once(')')).map(|(name, _)| quote(name));
    Some(Holder { pid: pid.parse().ok()?, name })
}

/// The indented names below a heading.
pub(super) fn listed(text: &str, heading: &str) -> String {
    let below = text.lines().skip_while(|line| !line.ends_with(heading)).skip(1);
    below
        .take_while(|line| line.starts_with("  "))
        .flat_map(str::split_whitespace)
        .collect::<Vec<_>>()
        .join(" ")
}
