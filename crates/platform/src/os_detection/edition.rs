//! Which Windows this is, from the values of `SOFTWARE\Microsoft\Windows NT\CurrentVersion`. Pure: read on every platform.

use super::OsRelease;

/// The first build of Windows 11, whose `ProductName` still says 10.
const WINDOWS_11: u32 = 22_000;

/// Values of the key; empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edition {
    /// `ProductName`.
    pub product: String,
    /// `DisplayVersion`, and before Windows 10 20H2 `ReleaseId`.
    pub display_version: String,
    /// `CurrentBuildNumber`.
    pub build: String,
    /// `UBR`: the revision.
    pub revision: Option<u32>,
    /// `InstallationType`: `Client`, `Server`, `Server Core`.
    pub kind: String,
}

impl Edition {
    /// `Windows 11 Pro`, `23H2`.
    pub fn release(&self) -> OsRelease {
        let build: u32 = self.build.trim().parse().unwrap_or_default();
        let mut name = self.product.trim().to_owned();
        if build >= WINDOWS_11 && !self.kind.to_ascii_lowercase().contains("server") {
            name = name.replacen("Windows 10", "Windows 11", 1);
        }
        let name = if name.is_empty() { "Windows".to_owned() } else { name };
        let shown = self.display_version.trim();
        let version_id = if shown.is_empty() { self.build.trim().to_owned() } else { shown.to_owned() };
        OsRelease {
            id: "windows".into(),
            pretty_name: format!("{name} {version_id}").trim().to_owned(),
            version: format!("{version_id} (build {})", self.build.trim()),
            name,
            version_id,
            ..OsRelease::default()
        }
    }

    /// `10.0.22631.4460`; `version` is `CurrentMajorVersionNumber` and `CurrentMinorVersionNumber`.
    pub fn kernel(&self, version: (u32, u32)) -> String {
        let revision = self.revision.map(|revision| format!(".{revision}")).unwrap_or_default();
        format!("{}.{}.{}{revision}", version.0, version.1, self.build.trim())
    }
}

/// The hypervisor by the processor's word and the firmware's. Windows on bare metal runs above a hypervisor of its own where it protects
/// itself by one, and QEMU can take Hyper-V's name.
pub fn hypervisor(by_processor: Option<&'static str>, manufacturer: &str) -> Option<&'static str> {
    let qemu = manufacturer.trim().eq_ignore_ascii_case("QEMU");
    match by_processor {
        Some("microsoft") if qemu => Some("kvm"),
        Some("microsoft") if !manufacturer.trim().eq_ignore_ascii_case("Microsoft Corporation") => None,
        None if qemu => Some("qemu"),
        other => other,
    }
}

/// 32 hexadecimal digits of a `MachineGuid`.
pub fn machine_id(guid: &str) -> Option<String> {
    let digits: String = guid.chars().filter(|c| !matches!(c, '-' | '{' | '}')).collect();
    let valid = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| digits.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edition(product: &str, display_version: &str, build: &str, kind: &str) -> Edition {
        Edition {
            product: product.into(),
            display_version: display_version.into(),
            build: build.into(),
            revision: Some(4460),
            kind: kind.into(),
        }
    }

    #[test]
    fn windows_11_is_called_so_and_a_server_keeps_its_name() {
        let eleven = edition("Windows 10 Pro", "23H2", "22631", "Client");
        assert_eq!(
            (eleven.release().name.as_str(), eleven.release().version_id.as_str()),
            ("Windows 11 Pro", "23H2")
        );
        assert_eq!(eleven.kernel((10, 0)), "10.0.22631.4460");
        let server = edition("Windows Server 2025 Standard", "24H2", "26100", "Server");
        assert_eq!(server.release().pretty_name, "Windows Server 2025 Standard 24H2");
        assert_eq!(edition("", "", "", "").release().name, "Windows");
        assert_eq!(edition("Windows 10 Pro", "", "17763", "Client").release().version_id, "17763");
    }

    #[test]
    fn qemu_behind_hyper_vs_name_is_found_and_a_protected_machine_of_metal_is_none() {
        assert_eq!(hypervisor(Some("microsoft"), "QEMU"), Some("kvm"));
        assert_eq!(hypervisor(Some("microsoft"), "Microsoft Corporation"), Some("microsoft"));
        assert_eq!(hypervisor(Some("microsoft"), "LENOVO"), None);
        assert_eq!((hypervisor(Some("kvm"), "QEMU"), hypervisor(None, "QEMU")), (Some("kvm"), Some("qemu")));
    }

    #[test]
    fn a_machine_guid_becomes_a_machine_id() {
        assert_eq!(machine_id("{331C3B3A-2005-44C2-AC5E-77220C37D6B4}").unwrap().len(), 32);
        assert_eq!([machine_id(""), machine_id("no-guid"), machine_id(&"é".repeat(32))], [None, None, None]);
    }
}
