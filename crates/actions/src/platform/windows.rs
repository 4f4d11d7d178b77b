//! Windows: services are the service control manager's, programs run in job objects.

use crate::context::Services;
use crate::packages::PackageSystem;
use crate::packages::winget::Winget;
use crate::services::ScmServices;
use infiniservice_exec::Runner;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use windows_registry::LOCAL_MACHINE;

pub(super) use infiniservice_exec::system_runner as runner;

pub(super) fn services(_runner: &Arc<dyn Runner>) -> Arc<dyn Services> {
    Arc::new(ScmServices::default())
}

pub(super) fn systemd_runs() -> bool {
    false
}

/// Windows is not without one.
pub(super) fn has_service_manager(_systemd_runs: bool) -> bool {
    true
}

/// winget, where the App Installer is there for the whole machine.
pub(super) fn packages() -> Option<PackageSystem> {
    Some(PackageSystem::new(Box::new(Winget { program: locate()? }), Path::new("C:\\")))
}

/// The package of the App Installer, with its publisher's id.
const BEGIN: &str = "Microsoft.DesktopAppInstaller_";
const END: &str = "_x64__8wekyb3d8bbwe";
/// Packages of one store.
const MAX_ENTRIES: usize = 20_000;

/// The newest winget that is installed for the machine. SYSTEM has no aliases of the store's programs: it is in the
/// directory of its package, below `WindowsApps`, where only Windows' own installer may write.
fn locate() -> Option<PathBuf> {
    let key = LOCAL_MACHINE.open(r"SOFTWARE\Microsoft\Windows\CurrentVersion").ok()?;
    let programs = PathBuf::from(key.get_string("ProgramFilesDir").ok()?);
    let entries = std::fs::read_dir(programs.join("WindowsApps")).ok()?;
    let found = entries.take(MAX_ENTRIES).flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let version = version(name.strip_prefix(BEGIN)?.strip_suffix(END)?)?;
        let program = entry.path().join("winget.exe");
        program.is_file().then_some((version, program))
    });
    found.max().map(|(_, program)| program)
}

/// `1.24.25200.0`.
fn version(text: &str) -> Option<Vec<u32>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}
