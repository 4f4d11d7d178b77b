//! Fedora's and its relatives': rpm reads, dnf changes (dnf(8)).
//!
//! Run against dnf 4.14. dnf5, which is Fedora's dnf from 41 on, is minded after its documentation (dnf5(8) and "Changes
//! between DNF and DNF5"), not run.

#[cfg(test)]
mod tests;
mod transaction;

use super::{
    CannotSearch, Change, Failure, Hit, Installed, PackageManager, PackageSpec, Parsed, PendingQuery, Plan,
    Planned, ReadLine, Reading, RebootSign, Scope, Words, rpm,
};
use crate::packages::failure::{Rule, by_rules, last_words, line_with};
use crate::packages::{Cause, Holder};
use infiniservice_exec::{Finished, Request};
use infiniservice_platform::sanitize::{description, quote};
use infiniservice_protocol::data::{PackageInfo, PendingUpdate};
use std::collections::HashSet;
use std::time::Duration;

/// `dnf` and `rpm`.
#[derive(Debug)]
pub(crate) struct Dnf;

/// No question, no colours, no endless wait for a lock (the agent waits itself, for a time), and an unreachable mirror
/// given up within a minute or so. dnf5 has no `--color`, but both have the setting.
const OPTIONS: [&str; 6] = [
    "-y",
    "--setopt=color=never",
    "--setopt=exit_on_lock=True",
    "--setopt=retries=2",
    "--setopt=timeout=20",
    // A removal takes what needs the package, and never what it needed itself.
    "--setopt=clean_requirements_on_remove=False",
];
/// Shows what it would do, and does nothing.
const SIMULATE: &str = "--assumeno";

/// One line for each package; dnf4 ends it with a newline of its own, dnf5 does not. The tabs are tabs themselves: dnf5 takes
/// `\t` for a backslash and a letter. `reponame` is the id in dnf4, but a text for people in dnf5.
const FORMAT: &str = "--queryformat=%{name}\t%{evr}\t%{arch}\t%{repoid}\\n";

/// The same with the summary, which stands last: only it is free text.
const HIT_FORMAT: &str = "--queryformat=%{name}\t%{evr}\t%{arch}\t%{repoid}\t%{summary}\\n";

/// The packages whose update needs-restarting(1) has a reboot follow, and what the kernel itself is called now.
const WANT_A_REBOOT: [&str; 9] = [
    "kernel",
    "kernel-core",
    "kernel-rt",
    "glibc",
    "linux-firmware",
    "systemd",
    "dbus",
    "dbus-broker",
    "dbus-daemon",
];

/// What dnf prints, with success, when a package's script has failed.
const SCRIPT_FAILED: &str = "scriptlet in rpm package";

impl PackageManager for Dnf {
    fn name(&self) -> &'static str {
        "dnf"
    }

    /// No `--` stands before it in a command, dnf5 knows none: a target never begins with `-`.
    fn target(&self, package: &str) -> Result<PackageSpec, String> {
        rpm::target(package)
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

    fn known(&self, target: &PackageSpec) -> Option<Request> {
        Some(dnf(&["-q", "repoquery", FORMAT, &target.name]))
    }

    fn read_known(&self, finished: &Finished) -> bool {
        finished.stdout.text.lines().any(|line| line.contains('\t'))
    }

    /// All that the cache (`-C`) has, whatever the words: dnf's patterns would also match what packages provide, and no summary.
    fn search(&self, _: &Words) -> Result<Request, CannotSearch> {
        Ok(dnf(&["-q", "-C", "repoquery", "--latest-limit=1", HIT_FORMAT]))
    }

    fn read_hit(&self, line: &str) -> Parsed<Hit> {
        let row = row(line)?;
        let (repository, summary) = row.repository.split_once('\t')?;
        Some(Some(Hit {
            name: row.name.to_owned(),
            version: Some(row.version.to_owned()),
            architecture: Some(row.architecture.to_owned()),
            description: description(summary),
            source: quote(repository),
        }))
    }

    fn simulate(&self, change: Change, target: &PackageSpec) -> Option<Request> {
        // Whatever it takes is shown; the change itself may take nothing unless it is told to.
        let erase: &[&str] = if change == Change::Remove { &[] } else { &["--allowerasing"] };
        Some(simulation(&[&[verb(change)], erase, &[&target.name]].concat()))
    }

    fn simulated_well(&self, finished: &Finished) -> bool {
        finished.succeeded() || line_with(finished, transaction::ABORTED).is_some()
    }

    fn read_plan(&self, finished: &Finished) -> Result<Plan, String> {
        transaction::read(&finished.stdout.text).map(|steps| steps.plan())
    }

    fn is_named(&self, target: &PackageSpec, planned: &Planned) -> bool {
        rpm::is_named(&target.name, planned)
    }

    fn change(&self, change: Change, target: &PackageSpec, cascade: bool, _: Duration) -> Request {
        let erase: &[&str] = if cascade && change != Change::Remove { &["--allowerasing"] } else { &[] };
        dnf(&[&[verb(change)], erase, &[&target.name]].concat()).outliving_the_agent()
    }

    /// dnf ends with 0 though a package's script has failed.
    fn ended_well(&self, finished: &Finished) -> bool {
        finished.succeeded() && line_with(finished, SCRIPT_FAILED).is_none()
    }

    fn failure(&self, finished: &Finished) -> Failure {
        failure_of(finished)
    }

    /// Without `skip_if_unavailable` an unreachable repository would be a success.
    fn refresh(&self) -> Option<Request> {
        Some(dnf(&["--refresh", "--setopt=skip_if_unavailable=False", "makecache"]))
    }

    fn lists(&self) -> &'static [&'static str] {
        &["/var/cache/dnf/*/repodata/repomd.xml", "/var/cache/libdnf5/*/repodata/repomd.xml"]
    }

    /// From the cache (`-C`), whatever its age: fetching is for [`Dnf::refresh`]. A repository without any is an error where
    /// `skip_if_unavailable` is off, and passed over without a word where it is on.
    fn pending(&self) -> PendingQuery {
        let query = |more: &[&str]| {
            let own = ["-q", "-C", "repoquery", "--upgrades", "--latest-limit=1", FORMAT];
            dnf(&[&own[..], more].concat()).max_output(8 << 20)
        };
        PendingQuery {
            all: query(&[]),
            security: Some(query(&["--security"])),
            doable: Some(simulation(&["-C", "upgrade"])),
        }
    }

    fn read_pending(&self, all: &str, security: &str) -> Result<Reading<PendingUpdate>, String> {
        readable(all)?;
        readable(security)?;
        let security: HashSet<_> = rows(security).map(|row| (row.name, row.architecture)).collect();
        let update = |row: Row<'_>| PendingUpdate {
            package: row.name.to_owned(),
            version_installed: None,
            version_available: row.version.to_owned(),
            architecture: Some(row.architecture.to_owned()),
            source: row.repository.to_owned(),
            is_security_update: security.contains(&(row.name, row.architecture)),
            blocked_by: None,
        };
        let lines = all.lines().filter(means_something);
        Ok(Reading::of(lines, |line| Some(row(line).map(update))))
    }

    fn read_doable(&self, text: &str) -> Result<HashSet<(String, String)>, String> {
        Ok(transaction::read(text)?.brought())
    }

    fn simulate_update(&self, scope: Scope<'_>, cascade: bool) -> Option<Request> {
        Some(simulation(&bring(scope, cascade)))
    }

    fn update(&self, scope: Scope<'_>, cascade: bool, _: Duration) -> Request {
        dnf(&bring(scope, cascade)).outliving_the_agent()
    }

    /// As `dnf needs-restarting --reboothint` decides, but asked of rpm: a start of dnf takes longer than there is time.
    fn reboot(&self) -> RebootSign {
        RebootSign::InstalledSinceBoot(rpm::installation_times(&WANT_A_REBOOT))
    }
}

fn verb(change: Change) -> &'static str {
    match change {
        Change::Install => "install",
        Change::Update => "upgrade",
        Change::Remove => "remove",
    }
}

fn bring(scope: Scope<'_>, cascade: bool) -> Vec<&'static str> {
    let security = matches!(scope, Scope::Security(_)).then_some("--security");
    ["upgrade"].into_iter().chain(security).chain(cascade.then_some("--allowerasing")).collect()
}

/// dnf refuses `-y` beside `--assumeno`, or prefers it.
fn simulation(own: &[&str]) -> Request {
    Request::new("dnf", OPTIONS.iter().skip(1).chain(&[SIMULATE]).chain(own))
}

fn dnf(own: &[&str]) -> Request {
    Request::new("dnf", OPTIONS.iter().chain(own))
}

/// What early versions of dnf5 write to stdout on their way, in spite of `-q`; it is no answer.
const LOADING: [&str; 2] = ["Updating and loading repositories:", "Repositories loaded."];

/// An answer of which nothing can be read is not "nothing is pending".
fn readable(text: &str) -> Result<(), String> {
    match text.lines().find(means_something) {
        Some(line) if rows(text).next().is_none() => {
            Err(format!("dnf did not answer in the requested format: {}", quote(line)))
        }
        _ => Ok(()),
    }
}

fn means_something(line: &&str) -> bool {
    !line.trim().is_empty() && !LOADING.contains(&line.trim())
}

struct Row<'a> {
    name: &'a str,
    version: &'a str,
    architecture: &'a str,
    repository: &'a str,
}

fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    text.lines().filter_map(row)
}

fn row(line: &str) -> Option<Row<'_>> {
    let mut fields = line.splitn(4, '\t');
    let mut next = || fields.next().filter(|field| !field.is_empty());
    let (name, version, architecture, repository) = (next()?, next()?, next()?, next()?);
    // repoquery tells an epoch of 0, which rpm's format leaves out.
    let version = version.strip_prefix("0:").unwrap_or(version);
    Some(Row { name, version, architecture, repository })
}

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
    (Cause::FakeRunner, SCRIPT_FAILED),
    (Cause::Untrusted, "is not signed"),
    (Cause::Untrusted, "GPG check FAILED"),
    (Cause::Untrusted, "GPG key"),
];

/// The failure that an ended dnf tells.
fn failure_of(finished: &Finished) -> Failure {
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
