//! Hypervisor and container, decided in the order and with the names of `systemd-detect-virt`
//! (systemd, src/basic/virt.c), without running it.

use super::Root;

/// Where this system runs. Names are those of `systemd-detect-virt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Virtualization {
    /// `kvm`, `qemu` (TCG), `vmware`, `microsoft`, `oracle`, `xen`, `vm-other`, …; `None` on bare metal.
    pub hypervisor: Option<&'static str>,
    /// `docker`, `podman`, `lxc`, `systemd-nspawn`, `wsl`, `container-other`, …; `None` outside of containers.
    pub container: Option<&'static str>,
}

/// Signatures of CPUID leaf 0x40000000.
const SIGNATURES: &[(&[u8; 12], &str)] = &[
    (b"XenVMMXenVMM", "xen"),
    (b"KVMKVMKVM\0\0\0", "kvm"),
    (b"Linux KVM Hv", "kvm"),
    (b"TCGTCGTCGTCG", "qemu"),
    (b"VMwareVMware", "vmware"),
    (b"Microsoft Hv", "microsoft"),
    (b"bhyve bhyve ", "bhyve"),
    (b"QNXQVMBSQG\0\0", "qnx"),
    (b"ACRNACRNACRN", "acrn"),
    (b"SRESRESRESRE", "sre"),
    (b"Apple VZ\0\0\0\0", "apple"),
];

/// Beginnings of the DMI strings, in systemd's order: `KVM` before `QEMU`.
const DMI_VENDORS: &[(&str, &str)] = &[
    ("KVM", "kvm"),
    ("OpenStack", "kvm"),
    ("KubeVirt", "kvm"),
    ("Amazon EC2", "amazon"),
    ("QEMU", "qemu"),
    ("VMware", "vmware"),
    ("VMW", "vmware"),
    ("innotek GmbH", "oracle"),
    ("VirtualBox", "oracle"),
    ("Oracle Corporation", "oracle"),
    ("Xen", "xen"),
    ("Bochs", "bochs"),
    ("Parallels", "parallels"),
    ("BHYVE", "bhyve"),
    ("Hyper-V", "microsoft"),
    ("Apple Virtualization", "apple"),
    ("Google Compute Engine", "google"),
];

const DMI_FILES: &[&str] = &["product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version"];

/// These run on top of KVM or Xen, so that CPUID names only what is beneath.
const DMI_FIRST: &[&str] = &["oracle", "xen", "amazon", "parallels", "google"];

const CONTAINERS: &[&str] =
    &["docker", "lxc", "lxc-libvirt", "podman", "proot", "pouch", "rkt", "systemd-nspawn", "wsl"];

impl Virtualization {
    /// `signature` is that of CPUID leaf 0x40000000, where the processor has one.
    pub(super) fn detect(root: &Root, signature: Option<[u8; 12]>) -> Self {
        Self { hypervisor: hypervisor(root, signature), container: container(root) }
    }

    /// What `systemd-detect-virt` prints: the container, else the hypervisor, else `none`.
    pub fn name(&self) -> &'static str {
        self.container.or(self.hypervisor).unwrap_or("none")
    }
}

fn hypervisor(root: &Root, signature: Option<[u8; 12]>) -> Option<&'static str> {
    let dmi = dmi(root);
    if let Some(found) = dmi.filter(|name| DMI_FIRST.contains(name)) {
        return Some(found);
    }
    if root.text("proc/cpuinfo").is_some_and(|text| text.contains("User Mode Linux")) {
        return Some("uml");
    }
    if root.is_dir("proc/xen") || root.exists("sys/hypervisor/properties/features") {
        return xen_guest(root);
    }
    let named = by_signature(signature, dmi).filter(|name| *name != "vm-other");
    named
        .or_else(|| hypervisor_type(root))
        .or_else(|| device_tree(root))
        .or(dmi)
        .or_else(|| cpuinfo(root, signature))
}

/// In the control domain Xen is beneath, but the machine is not a virtual one.
fn xen_guest(root: &Root) -> Option<&'static str> {
    let control = root.text("proc/xen/capabilities").is_some_and(|text| text.contains("control_d"));
    (!control).then_some("xen")
}

/// KVM with Hyper-V's enlightenments answers with Hyper-V's signature: the DMI strings tell.
fn by_signature(signature: Option<[u8; 12]>, dmi: Option<&'static str>) -> Option<&'static str> {
    let signature = signature?;
    let known =
        SIGNATURES.iter().find(|(letters, _)| **letters == signature).map_or("vm-other", |(_, name)| *name);
    match (known, dmi) {
        ("microsoft", Some("kvm" | "qemu")) => Some("kvm"),
        _ => Some(known),
    }
}

fn dmi(root: &Root) -> Option<&'static str> {
    let values: Vec<String> =
        DMI_FILES.iter().filter_map(|file| root.line(&format!("sys/class/dmi/id/{file}"))).collect();
    let found = values.iter().find_map(|value| {
        DMI_VENDORS.iter().find(|(vendor, _)| value.starts_with(vendor)).map(|(_, name)| *name)
    });
    found.or_else(|| is_hyper_v(root).then_some("microsoft"))
}

/// "Microsoft Corporation" also makes laptops; its virtual machine calls itself so.
fn is_hyper_v(root: &Root) -> bool {
    root.line("sys/class/dmi/id/sys_vendor").is_some_and(|vendor| vendor == "Microsoft Corporation")
        && root.line("sys/class/dmi/id/product_name").is_some_and(|product| product == "Virtual Machine")
}

fn hypervisor_type(root: &Root) -> Option<&'static str> {
    root.line("sys/hypervisor/type").map(|found| if found == "xen" { "xen" } else { "vm-other" })
}

fn device_tree(root: &Root) -> Option<&'static str> {
    if let Some(compatible) = root.text("proc/device-tree/hypervisor/compatible") {
        return Some(match compatible.trim_end_matches('\0') {
            "linux,kvm" => "kvm",
            "vmware" => "vmware",
            other if other.contains("xen") => "xen",
            _ => "vm-other",
        });
    }
    let machine = root.text("proc/device-tree/compatible").unwrap_or_default();
    (machine.contains("linux,dummy-virt") || machine.contains("qemu,")).then_some("qemu")
}

/// The last resort: the processor says that there is a hypervisor, and nothing says which.
fn cpuinfo(root: &Root, signature: Option<[u8; 12]>) -> Option<&'static str> {
    let text = root.text("proc/cpuinfo").unwrap_or_default();
    let flags = text.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let hidden = signature.is_some() || flags.split_whitespace().any(|flag| flag == "hypervisor");
    hidden.then_some("vm-other")
}

fn container(root: &Root) -> Option<&'static str> {
    if root.exists("proc/vz") && !root.exists("proc/bc") {
        return Some("openvz");
    }
    let kernel = root.line("proc/sys/kernel/osrelease").unwrap_or_default();
    if kernel.contains("Microsoft") || kernel.contains("WSL") {
        return Some("wsl");
    }
    let told = root.line("run/host/container-manager").or_else(|| root.line("run/systemd/container"));
    match told.or_else(|| environment_of_init(root)).as_deref() {
        None => by_marker(root),
        Some("oci") => Some(by_marker(root).unwrap_or("container-other")),
        Some(name) => {
            Some(CONTAINERS.iter().find(|known| **known == name).copied().unwrap_or("container-other"))
        }
    }
}

/// `container=` in the environment of process 1.
fn environment_of_init(root: &Root) -> Option<String> {
    let bytes = root.bytes("proc/1/environ")?;
    let values = bytes.split(|byte| *byte == 0).filter_map(|entry| entry.strip_prefix(b"container="));
    values.map(|name| String::from_utf8_lossy(name).into_owned()).find(|name| !name.is_empty())
}

fn by_marker(root: &Root) -> Option<&'static str> {
    let markers = [("run/.containerenv", "podman"), (".dockerenv", "docker")];
    markers.into_iter().find(|(path, _)| root.exists(path)).map(|(_, name)| name)
}
