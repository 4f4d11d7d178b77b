//! Pending updates, from apt-get's simulation: it prints one stable line for each step, made for programs.

use super::OPTIONS;
use crate::commands::runner::Request;
use crate::one_line::quote;
use infiniservice_protocol::data::PendingUpdate;

/// A simulation takes no lock and needs no rights.
pub(super) fn simulation() -> Request {
    let own = ["-s", "-o", "APT::Get::Show-User-Simulation-Note=false", "dist-upgrade"];
    Request::new("apt-get", OPTIONS.into_iter().chain(own)).max_output(8 << 20)
}

/// The updates of a simulation.
pub(super) fn read(text: &str) -> Vec<PendingUpdate> {
    text.lines().filter_map(|line| read_line(line.strip_prefix("Inst ")?)).collect()
}

/// `name [installed] (version origin, origin [architecture]) [what it breaks on the way]`; a new package has no
/// `[installed]`.
fn read_line(line: &str) -> Option<PendingUpdate> {
    let (head, tail) = line.split_once('(')?;
    let mut head = head.split_whitespace();
    let package = head.next()?;
    let version_installed = head.next().and_then(|word| word.strip_prefix('[')?.strip_suffix(']'));
    let (version_available, origins) = tail.split_once(')')?.0.split_once(' ')?;
    let (origins, architecture) = origins.rsplit_once('[')?;
    let source = quote(origins);
    Some(PendingUpdate {
        package: package.to_owned(),
        version_installed: version_installed.map(str::to_owned),
        version_available: version_available.to_owned(),
        architecture: Some(architecture.trim_end_matches(']').to_owned()),
        is_security_update: source.split(", ").any(is_security),
        source,
    })
}

/// `Debian-Security:12/stable-security` or `Ubuntu:22.04/jammy-security`: by suite, or by the label of Debian's archive.
fn is_security(origin: &str) -> bool {
    let suite = origin.rsplit('/').next().unwrap_or_default();
    suite.ends_with("-security") || origin.starts_with("Debian-Security:")
}

/// The argument that brings exactly this update. Names come from the repositories' lists: what is no plain name is left out.
pub(super) fn argument(update: &PendingUpdate) -> Option<String> {
    let text = format!("{}={}", update.package, update.version_available);
    super::names::target(&text).ok().map(|target| super::names::argument(&target))
}
