//! Debian's: dpkg-query reads, apt-get changes (apt-get(8), dpkg-query(1), apt.conf(5)).

mod names;
mod query;
mod search;
#[cfg(test)]
mod tests;

use super::{
    CannotSearch, Change, Failure, Hit, Installed, PackageManager, PackageSpec, Parsed, PendingQuery, Plan,
    ReadLine, Reading, Reasons, RebootSign, Scope, Words, key,
};
use crate::packages::failure::{Rule, by_rules, last_words, line_with};
use crate::packages::{Cause, Holder};
use infiniservice_exec::{Finished, Request};
use infiniservice_platform::sanitize::quote;
use infiniservice_protocol::data::{PackageInfo, PendingUpdate};
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::time::Duration;

/// What Ubuntu's apt leaves after each fetch that succeeded, and Debian's only where update-notifier is installed.
const SUCCESS_STAMP: &str = "/var/lib/apt/periodic/update-success-stamp";

/// `apt-get` and `dpkg`.
#[derive(Debug)]
pub(crate) struct Apt;

/// What every call of `apt-get` gets: no question, no terminal, old configuration files kept, exact names only, and an
/// unreachable mirror given up within a minute or so.
const OPTIONS: [&str; 16] = [
    "-q",
    "-y",
    "-o",
    "Dpkg::Use-Pty=0",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "APT::Cmd::Pattern-Only=true",
    "-o",
    "Acquire::Retries=1",
    "-o",
    "Acquire::http::Timeout=20",
    "-o",
    "Acquire::https::Timeout=20",
];

impl PackageManager for Apt {
    fn name(&self) -> &'static str {
        "apt"
    }

    fn target(&self, package: &str) -> Result<PackageSpec, String> {
        names::target(package)
    }

    fn list(&self) -> Request {
        query::list()
    }

    fn read_list(&self, text: &str) -> Reading<PackageInfo> {
        Reading::of(text.lines(), query::listed)
    }

    fn read_lines(&self) -> Option<ReadLine<PackageInfo>> {
        Some(Box::new(query::listed))
    }

    fn query(&self, target: &PackageSpec) -> Request {
        query::one(target)
    }

    fn read_query(&self, target: &PackageSpec, text: &str) -> Vec<Installed> {
        query::read_one(target, text)
    }

    fn known(&self, target: &PackageSpec) -> Option<Request> {
        let options = ["-q", "-o", "APT::Cmd::Pattern-Only=true", "madison", "--"];
        Some(Request::new(
            "apt-cache",
            options.map(str::to_owned).into_iter().chain([names::qualified(target)]),
        ))
    }

    /// `madison` prints a line for each version, and nothing for an unknown name.
    fn read_known(&self, finished: &Finished) -> bool {
        finished.stdout.text.lines().any(|line| line.contains(" | "))
    }

    /// All that the lists have, whatever the words: apt takes them for patterns, and looks for them in long descriptions, which it
    /// unpacks for each package anew where many match (minutes for `a` in Debian 12; all names take it less than a second).
    fn search(&self, _: &Words) -> Result<Request, CannotSearch> {
        Ok(Request::new("apt-cache", ["-q", "search", "--names-only", "--", "."]))
    }

    fn read_hit(&self, line: &str) -> Parsed<Hit> {
        search::hit(line)
    }

    fn versions(&self, names: &[&str]) -> Option<Request> {
        let request = Request::new("apt-cache", ["-q", "policy", "--"].iter().chain(names));
        Some(request.max_output(search::MAX_POLICY_BYTES))
    }

    fn read_versions(&self, text: &str) -> HashMap<String, String> {
        search::candidates(text)
    }

    fn simulate(&self, change: Change, target: &PackageSpec) -> Option<Request> {
        let own = [&query::SIMULATE[..], verb(change)].concat();
        Some(apt_get(&own, Duration::ZERO, [names::argument(target)]))
    }

    fn read_plan(&self, finished: &Finished) -> Result<Plan, String> {
        query::plan(&finished.stdout.text)
    }

    fn change(&self, change: Change, target: &PackageSpec, cascade: bool, lock_wait: Duration) -> Request {
        let limits: &[&str] = match (change, cascade, &target.version) {
            (Change::Remove, ..) => &[],
            (_, true, _) => &["--allow-downgrades"],
            (_, false, Some(_)) => &["--no-remove", "--allow-downgrades"],
            (_, false, None) => &["--no-remove"],
        };
        let own = [verb(change), limits].concat();
        apt_get(&own, lock_wait, [names::argument(target)]).outliving_the_agent()
    }

    fn failure(&self, finished: &Finished) -> Failure {
        failure_of(finished)
    }

    /// Reading selections from nothing changes none, but opens the database for writing and so takes in the journal of
    /// what was interrupted. `--configure -a` would run the very script that hung.
    fn repair(&self) -> Option<Request> {
        Some(Request::new("dpkg", ["--set-selections"]))
    }

    /// `Error-Mode=any`, or else an unreachable mirror is only a warning.
    fn refresh(&self) -> Option<Request> {
        Some(apt_get(&["update", "-o", "APT::Update::Error-Mode=any"], Duration::ZERO, []))
    }

    fn lists(&self) -> &'static [&'static str] {
        // The directory does not change where a fetch found nothing new.
        &["/var/lib/apt/lists", SUCCESS_STAMP]
    }

    /// `…_dists_bookworm_main_binary-amd64_Packages`, or with `.lz4`, beside `lock` and `partial`.
    fn list_files(&self) -> Option<(&'static str, &'static str)> {
        Some(("/var/lib/apt/lists", "_Packages"))
    }

    fn fetch_stamp(&self) -> Option<&'static str> {
        Some(SUCCESS_STAMP)
    }

    fn pending(&self) -> PendingQuery {
        let doable = query::simulation(&["upgrade", "--with-new-pkgs"]);
        PendingQuery { all: query::everything(), security: None, doable: Some(doable) }
    }

    fn read_pending(&self, all: &str, _: &str) -> Result<Reading<PendingUpdate>, String> {
        Ok(query::read(all))
    }

    fn read_doable(&self, text: &str) -> Result<HashSet<(String, String)>, String> {
        Ok(query::read(text).rows.iter().map(key).collect())
    }

    fn reasons(&self) -> Vec<Request> {
        vec![Request::new("apt-mark", ["showhold"]), query::simulation(&["dist-upgrade"])]
    }

    fn read_reasons(&self, answers: &[String]) -> Reasons {
        let text = |at: usize| answers.get(at).map(String::as_str).unwrap_or_default();
        Reasons {
            held: text(0).lines().map(|line| line.trim().to_owned()).collect(),
            resolved: query::read(text(1)).rows.iter().map(key).collect(),
            removed: query::plan(text(1)).unwrap_or_default().removed,
            phases: true,
        }
    }

    fn simulate_update(&self, scope: Scope<'_>, cascade: bool) -> Option<Request> {
        Some(bring(&query::SIMULATE, scope, cascade, Duration::ZERO))
    }

    fn update(&self, scope: Scope<'_>, cascade: bool, lock_wait: Duration) -> Request {
        let limits: &[&str] = match (scope, cascade) {
            (_, true) => &["--allow-downgrades"],
            (Scope::Security(_), false) => &["--no-remove"],
            (Scope::All, false) => &[],
        };
        bring(limits, scope, cascade, lock_wait).outliving_the_agent()
    }

    /// Written by packages that want it (Debian policy's `/run/reboot-required`).
    fn reboot(&self) -> RebootSign {
        RebootSign::File("/run/reboot-required")
    }
}

fn verb(change: Change) -> &'static [&'static str] {
    match change {
        Change::Install => &["install"],
        Change::Update => &["install", "--only-upgrade"],
        Change::Remove => &["remove"],
    }
}

/// `upgrade` removes nothing, whatever it leaves out; `dist-upgrade` leaves out nothing that can be had.
fn bring(options: &[&str], scope: Scope<'_>, cascade: bool, lock_wait: Duration) -> Request {
    let (own, updates): (&[&str], &[PendingUpdate]) = match (scope, cascade) {
        (Scope::All, false) => (&["upgrade", "--with-new-pkgs"], &[]),
        (Scope::All, true) => (&["dist-upgrade"], &[]),
        (Scope::Security(updates), _) => (&["install", "--only-upgrade"], updates),
    };
    apt_get(&[options, own].concat(), lock_wait, updates.iter().filter_map(query::argument))
}

fn apt_get(own: &[&str], lock_wait: Duration, names: impl IntoIterator<Item = String>) -> Request {
    let lock = format!("DPkg::Lock::Timeout={}", lock_wait.as_secs());
    let options =
        OPTIONS.iter().chain(own).map(OsString::from).chain(["-o".into(), lock.into(), "--".into()]);
    let request = Request::new("apt-get", options.chain(names.into_iter().map(OsString::from)));
    QUIET.iter().fold(request, |request, (name, value)| request.env(name, value))
}

/// Nothing asks, and nothing restarts services behind the host's back: needrestart(1), apt-listchanges(1),
/// apt-listbugs(1), ucf(1), debconf(7).
const QUIET: [(&str, &str); 6] = [
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("NEEDRESTART_MODE", "l"),
    ("NEEDRESTART_SUSPEND", "1"),
    ("APT_LISTCHANGES_FRONTEND", "none"),
    ("APT_LISTBUGS_FRONTEND", "none"),
    ("UCF_FORCE_CONFFOLD", "1"),
];

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
    (Cause::FakeRunner, "script subprocess "),
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
fn failure_of(finished: &Finished) -> Failure {
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
fn listed(text: &str, heading: &str) -> String {
    let below = text.lines().skip_while(|line| !line.ends_with(heading)).skip(1);
    below
        .take_while(|line| line.starts_with("  "))
        .flat_map(str::split_whitespace)
        .collect::<Vec<_>>()
        .join(" ")
}
