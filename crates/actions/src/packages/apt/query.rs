//! What dpkg has installed, by dpkg-query with a format of our own.

use super::names;
use crate::packages::{Installed, Parsed, Target};
use infiniservice_exec::Request;
use infiniservice_platform::one_line::description;
use infiniservice_protocol::data::PackageInfo;

/// The description stands last: only it is free text, and it may hold tabs.
const FORMAT: &str = "-f=${db:Status-Status}\\t${Package}\\t${Version}\\t${Architecture}\\t${Installed-Size}\\t${binary:Summary}\\n";

/// All packages. Their lines are taken as they come.
pub(super) fn list() -> Request {
    Request::new("dpkg-query", ["-W", FORMAT])
}

/// One package, in all its architectures unless one was named.
pub(super) fn one(target: &Target) -> Request {
    Request::new("dpkg-query", ["-W", FORMAT, "--", &names::qualified(target)])
}

struct Row<'a> {
    status: &'a str,
    name: &'a str,
    version: &'a str,
    architecture: &'a str,
    size_kb: Option<u64>,
    summary: &'a str,
}

fn row(line: &str) -> Option<Row<'_>> {
    let mut fields = line.splitn(6, '\t');
    let mut next = || fields.next();
    Some(Row {
        status: next()?,
        name: next()?,
        version: next()?,
        architecture: next()?,
        size_kb: next()?.parse().ok(),
        summary: next()?,
    })
}

impl Row<'_> {
    /// Of a removed package only the configuration is left; one that was never there has no version.
    fn is_there(&self) -> bool {
        !matches!(self.status, "config-files" | "not-installed")
            && !self.name.is_empty()
            && !self.version.is_empty()
    }

    /// dpkg's word where it is not set up.
    fn state(&self) -> Option<String> {
        (!self.is_ready()).then(|| infiniservice_platform::one_line::quote(self.status))
    }

    fn is_ready(&self) -> bool {
        matches!(self.status, "installed" | "triggers-pending" | "triggers-awaited")
    }
}

/// A line of the list: an installed package, also one that is not set up.
pub(super) fn listed(line: &str) -> Parsed<PackageInfo> {
    let info = |row: Row<'_>| PackageInfo {
        name: row.name.to_owned(),
        version: row.version.to_owned(),
        architecture: Some(row.architecture.to_owned()),
        description: description(row.summary),
        size_kb: row.size_kb,
        source: "apt".to_owned(),
        installed: true,
        state: row.state(),
    };
    match row(line) {
        Some(row) => row.is_there().then(|| Some(info(row))),
        None => (!line.is_empty()).then_some(None),
    }
}

/// The instances of a package, that of the agent's own architecture first.
pub(super) fn read_one(target: &Target, text: &str) -> Vec<Installed> {
    let instance = |row: Row<'_>| Installed {
        version: row.version.to_owned(),
        architecture: Some(row.architecture.to_owned()),
        ready: row.is_ready(),
        state: row.state(),
    };
    let mut all: Vec<_> = text
        .lines()
        .filter_map(row)
        .filter(|row| row.is_there() && row.name == target.name)
        .map(instance)
        .collect();
    all.sort_by_key(|one| !one.is_for(native()));
    all
}

/// Debian's name of the architecture that the agent was built for.
fn native() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "i386",
        "aarch64" => "arm64",
        "arm" => "armhf",
        "powerpc64" => "ppc64el",
        other => other,
    }
}
