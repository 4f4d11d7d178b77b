//! SUSE's: rpm reads, zypper changes (zypper(8)).
//!
//! Run against zypper 1.14.42. What it is asked is answered in XML; what it changes is told in its words for people.

mod answer;
#[cfg(test)]
mod tests;

use super::{
    CannotSearch, Change, Failure, Hit, Installed, PackageManager, PackageSpec, Parsed, PendingQuery, Plan,
    Planned, ReadLine, Reading, Reasons, RebootSign, Scope, Words, rpm,
};
use crate::packages::failure::{Rule, by_rules, last_words, line_with};
use crate::packages::{Cause, Holder};
use answer::{Answer, Step};
use infiniservice_exec::{Captured, Finished, Request};
use infiniservice_platform::sanitize::quote;
use infiniservice_protocol::data::{PackageInfo, PendingUpdate};
use std::collections::HashSet;
use std::time::Duration;

/// `zypper` and `rpm`.
#[derive(Debug)]
pub(crate) struct Zypper;

/// No question, no colours. Repository metadata is fetched by [`Zypper::refresh`] alone.
const OPTIONS: [&str; 3] = ["--non-interactive", "--no-color", "--no-refresh"];
/// Answers for programs.
const XML: &str = "--xmlout";
/// Packages alone, by their names and not by what they provide.
const BY_NAME: [&str; 4] = ["--type", "package", "--name", "--"];
/// The solver may take others away.
const FORCE: &str = "--force-resolution";
/// It may not.
const NO_FORCE: &str = "--no-force-resolution";
/// Licences are agreed to as winget's are: nobody is there to be asked.
const AGREE: &str = "--auto-agree-with-licenses";
/// Exit code of a search that finds nothing (`ZYPPER_EXIT_INF_CAP_NOT_FOUND`).
const NOTHING_FOUND: i32 = 104;
/// Answers with some thousand packages and their descriptions.
const MAX_ANSWER_BYTES: usize = 8 << 20;

impl PackageManager for Zypper {
    fn name(&self) -> &'static str {
        "zypper"
    }

    /// As rpm's names, but without `:`, before which zypper looks for a repository or a kind (`lab:vim`, `pattern:x`). It takes a
    /// first `-`, `!` or `~` for "remove" and `+` for "install", behind `--` too; no name begins so.
    fn target(&self, package: &str) -> Result<PackageSpec, String> {
        match rpm::target(package) {
            Ok(_) if package.contains(':') => Err(
                "be an rpm package's name without an epoch or a repository, such as vim or vim-9.0.1378-1"
                    .into(),
            ),
            read => read,
        }
    }

    fn list(&self) -> Request {
        rpm::list()
    }

    fn read_list(&self, text: &str) -> Reading<PackageInfo> {
        Reading::of(text.lines(), rpm::listed(self.name()))
    }

    fn read_lines(&self) -> Option<ReadLine<PackageInfo>> {
        Some(Box::new(rpm::listed(self.name())))
    }

    fn query(&self, target: &PackageSpec) -> Request {
        rpm::one(target)
    }

    fn read_query(&self, _: &PackageSpec, text: &str) -> Vec<Installed> {
        rpm::read_one(text)
    }

    /// `search` takes a version, but no architecture.
    fn known(&self, target: &PackageSpec) -> Option<Request> {
        let bare = without_architecture(&target.name);
        let bare = (bare != target.name).then_some(bare);
        let names: Vec<_> = [target.name.as_str()].into_iter().chain(bare).collect();
        Some(asked(
            &[&["search", "--details", "--match-exact", "--type", "package", "--"], &names[..]].concat(),
        ))
    }

    fn read_known(&self, finished: &Finished) -> bool {
        answer::read_some(&finished.stdout.text).found > 0
    }

    /// By name only, as zypper tells either a package's summary or its version. Several words would each be enough to it, so it is
    /// asked for the longest. What is no part of any name may be a pattern (`*`, `?`, `/regular expression/`) to it.
    fn search(&self, words: &Words) -> Result<Request, CannotSearch> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
        let word = words.iter().filter(|word| word.chars().all(plain)).max_by_key(|word| word.len());
        let word = word.ok_or(CannotSearch::Must("have a word of letters, digits and . _ + - for zypper"))?;
        Ok(asked(&["search", "--details", "--type", "package", "--match-substrings", "--", word]))
    }

    fn read_hit(&self, line: &str) -> Parsed<Hit> {
        answer::hit(line)
    }

    fn found_none(&self, finished: &Finished) -> bool {
        finished.exit_code() == Some(NOTHING_FOUND)
    }

    /// Whatever it takes is shown; the change itself may take nothing unless it is told to.
    fn simulate(&self, change: Change, target: &PackageSpec) -> Option<Request> {
        Some(simulation(&changing(change, FORCE, &target.name)))
    }

    fn read_plan(&self, finished: &Finished) -> Result<Plan, String> {
        Ok(steps(&finished.stdout.text)?.plan())
    }

    fn is_named(&self, target: &PackageSpec, planned: &Planned) -> bool {
        rpm::is_named(&target.name, planned)
    }

    fn change(&self, change: Change, target: &PackageSpec, cascade: bool, _: Duration) -> Request {
        zypper(&changing(change, force(cascade), &target.name)).outliving_the_agent()
    }

    fn ended_well(&self, finished: &Finished) -> bool {
        is_well(finished)
    }

    fn failure(&self, finished: &Finished) -> Failure {
        failure_of(finished)
    }

    fn refresh(&self) -> Option<Request> {
        Some(Request::new("zypper", OPTIONS.iter().take(2).chain(&["refresh"])))
    }

    fn lists(&self) -> &'static [&'static str] {
        &["/var/cache/zypp/raw/*/repodata/repomd.xml"]
    }

    /// Those that locks keep back are listed by `--all`. `list-patches` names no packages; what installing the security patches
    /// would bring does. Where a patch of zypper itself is pending that is told alone, as it is installed alone.
    fn pending(&self) -> PendingQuery {
        PendingQuery {
            all: asked(&["list-updates", "--all"]),
            security: Some(simulation(&["patch", FORCE, "--category", "security"])),
            doable: Some(simulation(&["update", NO_FORCE])),
        }
    }

    fn read_pending(&self, all: &str, security: &str) -> Result<Reading<PendingUpdate>, String> {
        let answer = answer::read(all)?;
        if !answer.lists_updates {
            return Err(format!("zypper lists no updates: {}", quote(all.trim())));
        }
        let security = steps(security)?.brought();
        let mut rows = answer.updates;
        for update in &mut rows {
            update.is_security_update = security.contains(&super::key(update));
        }
        Ok(Reading { rows, unreadable: answer.unreadable })
    }

    fn read_doable(&self, text: &str) -> Result<HashSet<(String, String)>, String> {
        Ok(steps(text)?.brought())
    }

    fn reasons(&self) -> Vec<Request> {
        vec![asked(&["locks"])]
    }

    fn read_reasons(&self, answers: &[String]) -> Reasons {
        let locked = answers.iter().flat_map(|text| answer::read_some(text).locked);
        Reasons { held: locked.collect(), ..Reasons::default() }
    }

    fn simulate_update(&self, scope: Scope<'_>, _: bool) -> Option<Request> {
        Some(simulation(&bring(scope, FORCE)))
    }

    fn update(&self, scope: Scope<'_>, cascade: bool, _: Duration) -> Request {
        zypper(&bring(scope, force(cascade))).outliving_the_agent()
    }

    /// libzypp leaves it where a package came that says so, or that `/etc/zypp/needreboot` names.
    fn reboot(&self) -> RebootSign {
        RebootSign::File("/run/reboot-needed")
    }
}

impl Answer {
    fn of(&self, kind: Step) -> impl Iterator<Item = &Planned> {
        self.steps.iter().filter(move |(of, _)| *of == kind).map(|(_, planned)| planned)
    }

    /// What is taken away: what another package replaces is told as removed.
    fn plan(&self) -> Plan {
        let all = |kind| self.of(kind).cloned().collect();
        Plan { removed: all(Step::Removed), downgraded: all(Step::Downgraded), replaced: Vec::new() }
    }

    /// Name and version of what comes.
    fn brought(&self) -> HashSet<(String, String)> {
        let key = |one: &Planned| (one.name.clone(), one.version.clone().unwrap_or_default());
        self.of(Step::Brought).map(key).collect()
    }
}

/// Reads a summary, which must name as many packages as it counts.
fn steps(text: &str) -> Result<Answer, String> {
    if text.trim().is_empty() {
        return Ok(Answer::default());
    }
    let answer = answer::read(text)?;
    match answer.counted {
        Some(count) if count == answer.steps.len() => Ok(answer),
        Some(count) => Err(format!("zypper names {} packages, but counts {count}", answer.steps.len())),
        None => Err(format!("zypper has no summary of what it would do: {}", quote(text.trim()))),
    }
}

fn changing<'a>(change: Change, force: &'a str, name: &'a str) -> Vec<&'a str> {
    let by_name = BY_NAME.into_iter().chain([name]);
    match change {
        // A version that is named may be older than the one that is there.
        Change::Install => ["install", "--oldpackage", AGREE, force].into_iter().chain(by_name).collect(),
        // It knows no `--name`.
        Change::Update => vec!["update", AGREE, force, "--type", "package", "--", name],
        // What the package itself needed stays.
        Change::Remove => ["remove", "--no-clean-deps", force].into_iter().chain(by_name).collect(),
    }
}

fn bring<'a>(scope: Scope<'_>, force: &'a str) -> Vec<&'a str> {
    match scope {
        Scope::All => vec!["update", AGREE, force],
        Scope::Security(_) => vec!["patch", AGREE, force, "--category", "security"],
    }
}

fn force(cascade: bool) -> &'static str {
    if cascade { FORCE } else { NO_FORCE }
}

/// `vim.x86_64` is `vim`; the dot of `python3.11` is its own.
fn without_architecture(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((bare, of)) if of.starts_with(|c: char| c.is_ascii_alphabetic()) => bare,
        _ => name,
    }
}

/// Shows what it would do, and does nothing.
fn simulation(own: &[&str]) -> Request {
    let (verb, rest) = own.split_at(1.min(own.len()));
    asked(&[verb, &["--dry-run"], rest].concat())
}

fn asked(own: &[&str]) -> Request {
    Request::new("zypper", OPTIONS.iter().chain(&[XML]).chain(own)).max_output(MAX_ANSWER_BYTES)
}

fn zypper(own: &[&str]) -> Request {
    Request::new("zypper", OPTIONS.iter().chain(own))
}

/// Done, and there is something to say: updates are needed (100), security updates among them (101), a reboot is needed (102),
/// zypper itself was updated and is to be run again (103), a repository was passed over (106).
const DONE: [i32; 6] = [0, 100, 101, 102, 103, 106];

/// Codes that have one cause.
const CODES: &[(i32, Cause)] =
    &[(5, Cause::Permission), (7, Cause::Busy), (104, Cause::NotFound), (107, Cause::FakeRunner)];

/// In this order: what comes first explains what comes after it.
const RULES: &[Rule] = &[
    (Cause::Busy, "System management is locked"),
    (Cause::NoSpace, "more space on the"),
    (Cause::NoSpace, "No space left on device"),
    (Cause::FakeRunner, "scriptlet failed"),
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
fn is_well(finished: &Finished) -> bool {
    finished.exit_code().is_some_and(|code| DONE.contains(&code))
}

/// The failure that an ended zypper tells.
fn failure_of(finished: &Finished) -> Failure {
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
