//! Fedora's and its relatives': rpm reads, dnf changes (dnf(8)).
//!
//! Run against dnf 4.14. dnf5, which is Fedora's dnf from 41 on, is minded after its documentation (dnf5(8) and "Changes
//! between DNF and DNF5"), not run.

mod failure;
#[cfg(test)]
mod tests;

use super::{
    Change, Failure, Installed, PackageManager, PendingQuery, RebootSign, Scope, Target, failure as rules,
    rpm,
};
use crate::commands::runner::{Finished, Request};
use crate::one_line::quote;
use infiniservice_protocol::data::{PackageInfo, PendingUpdate};
use std::collections::HashSet;
use std::time::Duration;

/// `dnf` and `rpm`.
#[derive(Debug)]
pub(crate) struct Dnf;

/// No question, no colours, no endless wait for a lock (the agent waits itself, for a time), and an unreachable mirror
/// given up within a minute or so. dnf5 has no `--color`, but both have the setting.
const OPTIONS: [&str; 5] =
    ["-y", "--setopt=color=never", "--setopt=exit_on_lock=True", "--setopt=retries=2", "--setopt=timeout=20"];

/// One line for each package; dnf4 ends it with a newline of its own, dnf5 does not. The tabs are tabs themselves: dnf5 takes
/// `\t` for a backslash and a letter. `reponame` is the id in dnf4, but a text for people in dnf5.
const FORMAT: &str = "--queryformat=%{name}\t%{evr}\t%{arch}\t%{repoid}\\n";

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
    fn target(&self, package: &str) -> Result<Target, String> {
        rpm::target(package)
    }

    fn list(&self) -> Request {
        rpm::list()
    }

    fn read_list(&self, text: &str) -> Vec<PackageInfo> {
        rpm::read_list(text, self.name())
    }

    fn query(&self, target: &Target) -> Request {
        rpm::one(target)
    }

    fn read_query(&self, _: &Target, text: &str) -> Vec<Installed> {
        rpm::read_one(text)
    }

    fn known(&self, target: &Target) -> Option<Request> {
        Some(dnf(&["-q", "repoquery", FORMAT, &target.name]))
    }

    fn read_known(&self, finished: &Finished) -> bool {
        finished.stdout.text.lines().any(|line| line.contains('\t'))
    }

    fn change(&self, change: Change, target: &Target, _: Duration) -> Request {
        let verb = match change {
            Change::Install => "install",
            Change::Update => "upgrade",
            Change::Remove => "remove",
        };
        dnf(&[verb, &target.name]).outliving_the_agent()
    }

    /// dnf ends with 0 though a package's script has failed.
    fn ended_well(&self, finished: &Finished) -> bool {
        finished.succeeded() && rules::line_with(finished, SCRIPT_FAILED).is_none()
    }

    fn failure(&self, finished: &Finished) -> Failure {
        failure::read(finished)
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
        PendingQuery { all: query(&[]), security: Some(query(&["--security"])) }
    }

    fn read_pending(&self, all: &str, security: &str) -> Result<Vec<PendingUpdate>, String> {
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
        };
        Ok(rows(all).map(update).collect())
    }

    fn update(&self, scope: Scope<'_>, _: Duration) -> Request {
        let own: &[&str] = match scope {
            Scope::All => &["upgrade"],
            Scope::Security(_) => &["upgrade", "--security"],
        };
        dnf(own).outliving_the_agent()
    }

    /// As `dnf needs-restarting --reboothint` decides, but asked of rpm: a start of dnf takes longer than there is time.
    fn reboot(&self) -> RebootSign {
        RebootSign::InstalledSinceBoot(rpm::installation_times(&WANT_A_REBOOT))
    }
}

fn dnf(own: &[&str]) -> Request {
    Request::new("dnf", OPTIONS.iter().chain(own))
}

/// What early versions of dnf5 write to stdout on their way, in spite of `-q`; it is no answer.
const LOADING: [&str; 2] = ["Updating and loading repositories:", "Repositories loaded."];

/// An answer of which nothing can be read is not "nothing is pending".
fn readable(text: &str) -> Result<(), String> {
    let means_something = |line: &&str| !line.trim().is_empty() && !LOADING.contains(&line.trim());
    match text.lines().find(means_something) {
        Some(line) if rows(text).next().is_none() => {
            Err(format!("dnf did not answer in the format that it was asked for: {}", quote(line)))
        }
        _ => Ok(()),
    }
}

struct Row<'a> {
    name: &'a str,
    version: &'a str,
    architecture: &'a str,
    repository: &'a str,
}

fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    text.lines().filter_map(|line| {
        let mut fields = line.splitn(4, '\t');
        let mut next = || fields.next().filter(|field| !field.is_empty());
        let (name, version, architecture, repository) = (next()?, next()?, next()?, next()?);
        // repoquery tells an epoch of 0, which rpm's format leaves out.
        let version = version.strip_prefix("0:").unwrap_or(version);
        Some(Row { name, version, architecture, repository })
    })
}
