//! What rpm has installed: shared by all package managers that stand on it (rpm(8), "QUERY OPTIONS").

use super::plan::word;
use super::{Installed, PackageSpec, Parsed, Planned};
use infiniservice_exec::Request;
use infiniservice_platform::sanitize::description;
use infiniservice_protocol::data::PackageInfo;

/// The summary stands last: only it is free text. A line without all fields is the rest of somebody's summary.
const FORMAT: &str =
    "--qf=%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{LONGSIZE}\\t%{SUMMARY}\\n";

/// All packages. Their lines are taken as they come.
pub(super) fn list() -> Request {
    Request::new("rpm", ["-qa", FORMAT])
}

/// One package.
pub(super) fn one(target: &PackageSpec) -> Request {
    Request::new("rpm", ["-q", FORMAT, "--", &target.name])
}

/// When these were installed, as far as they are.
pub(super) fn installation_times(names: &[&str]) -> Request {
    Request::new("rpm", ["-q", "--qf=%{NAME}\\t%{INSTALLTIME}\\n", "--"].iter().chain(names))
}

fn row(line: &str) -> Option<(&str, Installed, Option<u64>, &str)> {
    let mut fields = line.splitn(5, '\t');
    let mut next = || fields.next();
    let (name, version, architecture, size, summary) = (next()?, next()?, next()?, next()?, next()?);
    // Signing keys are kept as packages of this name; they are none.
    let is_package = !name.is_empty() && name != "gpg-pubkey";
    // Keys and the like have no architecture.
    let architecture = Some(architecture.to_owned()).filter(|text| text != "(none)");
    let installed = Installed { version: version.to_owned(), architecture, ready: true, state: None };
    is_package.then(|| (name, installed, size.parse().ok(), summary))
}

/// Reads the list's lines. `source` is the package manager: rpm does not know the repository.
pub(super) fn listed(source: &'static str) -> impl FnMut(&str) -> Parsed<PackageInfo> + Send {
    let info = move |(name, installed, bytes, summary): (&str, Installed, Option<u64>, &str)| PackageInfo {
        name: name.to_owned(),
        version: installed.version,
        architecture: installed.architecture,
        description: description(summary),
        size_kb: bytes.map(|bytes| bytes.div_ceil(1024)),
        source: source.to_owned(),
        installed: true,
        state: None,
    };
    let mut any = false;
    move |line: &str| match row(line) {
        Some(row) => {
            any = true;
            Some(Some(info(row)))
        }
        None if line.trim().is_empty() || (any && !line.contains('\t')) => None,
        None if is_key(line) => None,
        None => Some(None),
    }
}

/// Whether a line of a list is a signing key's.
fn is_key(line: &str) -> bool {
    line.starts_with("gpg-pubkey\t")
}

/// Whether a planned package is what `name` names: each form that dnf takes (dnf(8), "SPECIFYING PACKAGES").
pub(super) fn is_named(name: &str, planned: &Planned) -> bool {
    let version = planned.version.as_deref().unwrap_or_default();
    let without_epoch = version.split_once(':').map_or(version, |(_, rest)| rest);
    let bare = without_epoch.rsplit_once('-').map_or(without_epoch, |(version, _)| version);
    let forms = [version, without_epoch, bare].map(|version| format!("{}-{version}", planned.name));
    let forms = forms.iter().map(String::as_str).chain([planned.name.as_str()]);
    let architecture = planned.architecture.as_deref().unwrap_or_default();
    forms.into_iter().any(|form| name == form || name.strip_prefix(form) == Some(&format!(".{architecture}")))
}

/// The instances of a package, the one installed last first.
pub(super) fn read_one(text: &str) -> Vec<Installed> {
    let mut all: Vec<_> = text.lines().filter_map(row).map(|(_, installed, _, _)| installed).collect();
    all.reverse();
    all
}

/// Takes `name`, `name.arch` or `name-[epoch:]version-release[.arch]`. Groups (`@x`), patterns, capabilities (`perl(X)`)
/// and files are refused.
pub(super) fn target(package: &str) -> Result<PackageSpec, String> {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let rest = |c: char| first(c) || "+.-~^:".contains(c);
    if word(package, first, rest) && !package.to_ascii_lowercase().ends_with(".rpm") {
        return Ok(PackageSpec::named(package));
    }
    Err("be the name of an rpm package, such as vim-enhanced, glibc.i686 or vim-enhanced-9.0.1378-1.fc38"
        .into())
}
