//! What dpkg has installed, by dpkg-query with a format of our own.

use super::{OPTIONS, names};
use crate::packages::plan::{Plan, Planned, Reading};
use crate::packages::{Installed, PackageSpec, Parsed};
use infiniservice_exec::Request;
use infiniservice_platform::sanitize::{description, quote};
use infiniservice_protocol::data::{PackageInfo, PendingUpdate};

/// The description stands last: only it is free text, and it may hold tabs.
const FORMAT: &str = "-f=${db:Status-Status}\\t${Package}\\t${Version}\\t${Architecture}\\t${Installed-Size}\\t${binary:Summary}\\n";

/// All packages. Their lines are taken as they come.
pub(super) fn list() -> Request {
    Request::new("dpkg-query", ["-W", FORMAT])
}

/// One package, in all its architectures unless one was named.
pub(super) fn one(target: &PackageSpec) -> Request {
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
        (!self.is_ready()).then(|| quote(self.status))
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
pub(super) fn read_one(target: &PackageSpec, text: &str) -> Vec<Installed> {
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

/// A simulation takes no lock and needs no rights; what it would take away is read, not refused, here.
pub(super) const SIMULATE: [&str; 4] =
    ["-s", "-o", "APT::Get::Show-User-Simulation-Note=false", "--allow-downgrades"];
/// A simulation of a large system.
const MAX_BYTES: usize = 8 << 20;

/// Everything that is newer, also what is held or phased.
pub(super) fn everything() -> Request {
    let more = ["-o", "APT::Ignore-Hold=true", "-o", "APT::Get::Always-Include-Phased-Updates=true"];
    simulation(&[&more[..], &["--allow-change-held-packages", "dist-upgrade"]].concat())
}

/// One that begins with `own`.
pub(super) fn simulation(own: &[&str]) -> Request {
    Request::new("apt-get", OPTIONS.iter().chain(&SIMULATE).chain(own)).max_output(MAX_BYTES)
}

/// The updates of a simulation. A line that begins as one and cannot be read is counted.
pub(super) fn read(text: &str) -> Reading<PendingUpdate> {
    Reading::of(text.lines(), |line| Some(read_line(line.strip_prefix("Inst ")?)))
}

/// `name [installed] (version origins [architecture]) [what it breaks on the way]`; a new package has no `[installed]`.
/// `origins` is a repository's own text and may hold anything: everything else is read from the ends.
fn read_line(line: &str) -> Option<PendingUpdate> {
    let (name, rest) = line.split_once(' ')?;
    let (version_installed, rest) = installed(rest)?;
    let (version, rest) = rest.strip_prefix('(')?.split_once(' ')?;
    let (inner, tail) = rest.rsplit_once("])")?;
    let (origins, architecture) = inner.rsplit_once('[')?;
    if [name, version, architecture].iter().any(|word| word.is_empty()) || !is_tail(tail) {
        return None;
    }
    let source = quote(origins.trim_end());
    Some(PendingUpdate {
        package: name.to_owned(),
        version_installed: version_installed.map(str::to_owned),
        version_available: version.to_owned(),
        architecture: Some(architecture.to_owned()),
        is_security_update: source.split(", ").any(is_security),
        source,
        blocked_by: None,
    })
}

/// `[1.0] (…` or `(…`.
fn installed(rest: &str) -> Option<(Option<&str>, &str)> {
    match rest.strip_prefix('[') {
        Some(rest) => rest.split_once("] ").map(|(version, rest)| (Some(version), rest)),
        None => Some((None, rest)),
    }
}

fn is_tail(tail: &str) -> bool {
    tail.trim().is_empty() || tail.starts_with(" [")
}

/// `Debian-Security:12/stable-security` or `Ubuntu:22.04/jammy-security`: by suite, or by the label of Debian's archive.
fn is_security(origin: &str) -> bool {
    let suite = origin.rsplit('/').next().unwrap_or_default();
    suite.ends_with("-security") || origin.starts_with("Debian-Security:")
}

/// The argument that brings exactly this update. Names come from the repositories' lists: what is no plain name is left out.
pub(super) fn argument(update: &PendingUpdate) -> Option<String> {
    let text = format!("{}={}", update.package, update.version_available);
    names::target(&text).ok().map(|target| names::argument(&target))
}

/// What a simulation takes away. The counts of its summary must agree, or it was not understood.
pub(super) fn plan(text: &str) -> Result<Plan, String> {
    let summary = text.lines().rfind(|line| line.contains(" to remove and "));
    let summary = summary.ok_or("apt-get's simulation has no summary")?;
    let lines = text.lines().filter_map(|line| line.strip_prefix("Remv ").or(line.strip_prefix("Purg ")));
    let removed: Vec<_> = lines.filter_map(|line| line.split(' ').next()).map(planned).collect();
    let downgraded = super::listed(text, "will be DOWNGRADED:");
    let downgraded: Vec<_> = downgraded.split_whitespace().map(planned).collect();
    for (all, what) in [(&removed, " to remove"), (&downgraded, " downgraded")] {
        if all.len() != counted(summary, what) {
            return Err(format!("apt-get's simulation does not list all{what}: {}", quote(summary)));
        }
    }
    Ok(Plan { removed, downgraded, ..Plan::default() })
}

/// `2 upgraded, 0 newly installed, 1 downgraded, 3 to remove and 0 not upgraded.`
fn counted(summary: &str, what: &str) -> usize {
    let before = summary.split_once(what).map_or("", |(before, _)| before);
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn planned(word: &str) -> Planned {
    let (name, architecture) = word.split_once(':').map_or((word, None), |(name, of)| (name, Some(of)));
    Planned { name: name.to_owned(), architecture: architecture.map(str::to_owned), version: None }
}
