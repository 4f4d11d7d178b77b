//! Why zypper failed: its exit code (zypper(8), "EXIT CODES"), and its own words.

use super::answer;
use crate::packages::failure::{Rule, by_rules, last_words, line_with};
use crate::packages::{Cause, Failure, Holder};
use infiniservice_exec::{Captured, Finished};
use infiniservice_platform::one_line::quote;

/// Done, and there is something to say: updates are needed (100), security updates among them (101), a reboot is needed (102),
/// zypper itself was updated and is to be run again (103), a repository was passed over (106).
const DONE: [i32; 6] = [0, 100, 101, 102, 103, 106];

/// Codes that have one cause.
const CODES: &[(i32, Cause)] =
    &[(5, Cause::Permission), (7, Cause::Busy), (104, Cause::NotFound), (107, Cause::Script)];

/// In this order: what comes first explains what comes after it.
const RULES: &[Rule] = &[
    (Cause::Busy, "System management is locked"),
    (Cause::NoSpace, "more space on the"),
    (Cause::NoSpace, "No space left on device"),
    (Cause::Script, "scriptlet failed"),
    (Cause::Permission, "Root privileges are required"),
    (Cause::Held, "remove lock to allow"),
    (Cause::Dependencies, "nothing provides "),
    (Cause::WouldRemove, " conflicts with "),
    (Cause::Dependencies, " requires "),
    (Cause::Dependencies, "Problem: "),
    (Cause::Untrusted, "Signature verification failed"),
    (Cause::Untrusted, "is not signed"),
    (Cause::Stale, "not found on medium"),
    (Cause::Unreachable, "Error message: "),
    (Cause::Unreachable, "Valid metadata not found"),
    (Cause::Unreachable, "Download (curl) error"),
    (Cause::NotFound, "' not found."),
    (Cause::NotFound, "No provider of"),
    (Cause::Other, "There are no enabled repositories"),
];

/// Whether zypper did what it was asked.
pub(super) fn is_well(finished: &Finished) -> bool {
    finished.exit_code().is_some_and(|code| DONE.contains(&code))
}

/// The failure that an ended zypper tells.
pub(super) fn read(finished: &Finished) -> Failure {
    let said = said(finished);
    let coded = CODES.iter().find(|(code, _)| finished.exit_code() == Some(*code)).map(|(_, cause)| *cause);
    let mut failure = match coded {
        Some(cause) => of_cause(cause, &said),
        None => by_rules(RULES, &said).unwrap_or_else(|| last_words(&said)),
    };
    if failure.cause == Cause::Busy {
        failure.holder = holder(&said);
    }
    failure
}

fn of_cause(cause: Cause, said: &Finished) -> Failure {
    let rules: Vec<Rule> = RULES.iter().filter(|(of, _)| *of == cause).copied().collect();
    by_rules(&rules, said).unwrap_or_else(|| Failure { cause, ..last_words(said) })
}

/// The same as lines for people, where zypper answered in XML.
fn said(finished: &Finished) -> Finished {
    if !finished.stdout.text.trim_start().starts_with("<?xml") {
        return finished.clone();
    }
    let answer = answer::read_some(&finished.stdout.text);
    let captured = |lines: &[String]| Captured::from(lines.join("\n"));
    Finished {
        status: finished.status,
        stdout: captured(&answer.remarks),
        stderr: captured(&[answer.complaints, vec![finished.stderr.text.clone()]].concat()),
    }
}

/// `System management is locked by the application with pid 4711 (zypper).`
fn holder(said: &Finished) -> Option<Holder> {
    let (_, tail) = line_with(said, " with pid ")?.split_once(" with pid ")?;
    let (pid, tail) = tail.split_once(|c: char| !c.is_ascii_digit()).unwrap_or((tail, ""));
    let name = tail.split_once('(').and_then(|(_, tail)| tail.rsplit_once(')')).map(|(name, _)| quote(name));
    Some(Holder { pid: pid.parse().ok()?, name: name.filter(|name| !name.is_empty()) })
}
