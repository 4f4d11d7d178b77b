//! Why dnf failed, from its own words.

use crate::packages::failure::{Rule, by_rules, last_words, line_with};
use crate::packages::{Cause, Failure, Holder};
use infiniservice_exec::Finished;
use infiniservice_platform::one_line::quote;

/// In this order: what comes first explains what comes after it. A repository that cannot be reached stands before the
/// name that is therefore unknown.
const RULES: &[Rule] = &[
    (Cause::Busy, "already locked by "),
    (Cause::Busy, "another copy is running as pid"),
    (Cause::Busy, "Failed to obtain the transaction lock"),
    (Cause::Busy, "can't create transaction lock"),
    (Cause::NoSpace, " more space "),
    (Cause::NoSpace, "No space left on device"),
    (Cause::Permission, "must be run with superuser privileges"),
    (Cause::Permission, "has to be run with superuser privileges"),
    (Cause::Unreachable, "Failed to download metadata for repo"),
    (Cause::Unreachable, "Curl error"),
    (Cause::Unfetched, "Cache-only enabled but no cache for "),
    (Cause::Stale, "Status code: 404"),
    (Cause::Protected, "removing the following protected packages"),
    (Cause::WouldRemove, " conflicts with "),
    (Cause::Dependencies, "nothing provides "),
    (Cause::Dependencies, " requires "),
    (Cause::Dependencies, "Problem: "),
    (Cause::NotFound, "Unable to find a match"),
    (Cause::NotFound, "No match for argument"),
    (Cause::Script, super::SCRIPT_FAILED),
    (Cause::Untrusted, "is not signed"),
    (Cause::Untrusted, "GPG check FAILED"),
    (Cause::Untrusted, "GPG key"),
];

/// The failure that an ended dnf tells.
pub(super) fn read(finished: &Finished) -> Failure {
    let mut failure = by_rules(RULES, finished).unwrap_or_else(|| last_words(finished));
    if failure.cause == Cause::Busy {
        failure.holder = holder(finished, &failure.words);
    }
    failure
}

/// `metadata already locked by 123` or `… running as pid 123.`, and `  The application with PID 123 is: python3`.
fn holder(finished: &Finished, words: &str) -> Option<Holder> {
    let digits = words.trim_end_matches(|c: char| !c.is_ascii_digit());
    let pid = digits.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    let told = line_with(finished, "The application with PID").and_then(|line| line.split_once(" is: "));
    Some(Holder { pid, name: told.map(|(_, name)| quote(name)).filter(|name| !name.is_empty()) })
}
