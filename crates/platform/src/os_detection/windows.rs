//! This very Windows, from its registry; files below the drive's root, which users may make, tell nothing here.

use super::edition::{Edition, hypervisor, machine_id};
use super::{Init, OsInfo, Root, Virtualization, cpuid};
use std::path::Path;
use windows_registry::LOCAL_MACHINE;

/// A place where no file is.
const NOWHERE: &str = r"\\.\NUL";

/// What the registry tells.
#[allow(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
pub(super) fn own() -> Option<OsInfo> {
    let key = LOCAL_MACHINE.open(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion").ok();
    let text = |name: &str| key.as_ref().and_then(|key| key.get_string(name).ok()).unwrap_or_default();
    let number = |name: &str| key.as_ref().and_then(|key| key.get_u32(name).ok());
    let shown = Some(text("DisplayVersion")).filter(|shown| !shown.is_empty());
    let edition = Edition {
        product: text("ProductName"),
        display_version: shown.unwrap_or_else(|| text("ReleaseId")),
        build: text("CurrentBuildNumber"),
        revision: number("UBR"),
        kind: text("InstallationType"),
    };
    let version = (
        number("CurrentMajorVersionNumber").unwrap_or(10),
        number("CurrentMinorVersionNumber").unwrap_or_default(),
    );
    let guid = value(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid");
    Some(OsInfo {
        kernel_version: edition.kernel(version),
        release: edition.release(),
        architecture: std::env::consts::ARCH.into(),
        virtualization: virtualization(),
        init: Init::Other,
        machine_id: machine_id(&guid),
        hostname: value(r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters", "Hostname"),
    })
}

fn virtualization() -> Virtualization {
    let by_processor = Virtualization::detect(&Root::new(Path::new(NOWHERE)), cpuid::hypervisor_signature());
    let manufacturer = value(r"HARDWARE\DESCRIPTION\System\BIOS", "SystemManufacturer");
    Virtualization { hypervisor: hypervisor(by_processor.hypervisor, &manufacturer), container: None }
}

fn value(path: &str, name: &str) -> String {
    LOCAL_MACHINE.open(path).and_then(|key| key.get_string(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_windows_has_a_name_a_version_and_a_host_name() {
        let os = own().unwrap();
        assert!(os.release.name.starts_with("Windows") || os.release.name.contains("Windows"), "{os:?}");
        assert!(os.kernel_version.split('.').count() >= 3, "{os:?}");
        assert_eq!(os.release.id, "windows");
    }
}
