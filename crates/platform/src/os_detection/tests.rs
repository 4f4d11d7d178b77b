//! Whole made-up machines.

use super::*;
use std::fs;
use tempfile::TempDir;

/// A tree with these files; a path that ends in `/` is a directory.
fn machine(files: &[(&str, &[u8])]) -> TempDir {
    let root = tempfile::tempdir().expect("a directory");
    for (path, content) in files {
        let full = root.path().join(path);
        fs::create_dir_all(if path.ends_with('/') { &full } else { full.parent().expect("below the root") })
            .expect("directories");
        if !path.ends_with('/') {
            fs::write(&full, content).expect("a file");
        }
    }
    root
}

fn virtualization(files: &[(&str, &[u8])], signature: Option<&[u8; 12]>) -> Virtualization {
    OsInfo::detect_with(machine(files).path(), signature.copied()).virtualization
}

const KVM: &[u8; 12] = b"KVMKVMKVM\0\0\0";
const TCG: &[u8; 12] = b"TCGTCGTCGTCG";
const HYPER_V: &[u8; 12] = b"Microsoft Hv";

#[test]
fn a_debian_machine_is_read_whole() {
    let tree = machine(&[
        ("etc/os-release", include_bytes!("../../fixtures/os_release/debian-12")),
        ("proc/sys/kernel/osrelease", b"6.1.0-28-cloud-amd64\n"),
        ("proc/sys/kernel/arch", b"x86_64\n"),
        ("proc/sys/kernel/hostname", b"vm-0001\n"),
        ("etc/machine-id", b"0123456789ABCDEF0123456789abcdef\n"),
        ("run/systemd/system/", b""),
        ("sys/class/dmi/id/sys_vendor", b"QEMU\n"),
        ("sys/class/dmi/id/product_name", b"Standard PC (i440FX + PIIX, 1996)\n"),
    ]);
    let os = OsInfo::detect_with(tree.path(), Some(*TCG));
    assert_eq!((os.release.id.as_str(), os.release.version_id.as_str()), ("debian", "12"));
    assert_eq!(os.release.pretty_name, "Debian GNU/Linux 12 (bookworm)");
    assert_eq!((os.kernel_version.as_str(), os.architecture.as_str()), ("6.1.0-28-cloud-amd64", "x86_64"));
    assert_eq!((os.hostname.as_str(), os.init), ("vm-0001", Init::Systemd));
    assert_eq!(os.machine_id.as_deref(), Some("0123456789abcdef0123456789abcdef"));
    assert_eq!(os.virtualization.name(), "qemu");
}

#[test]
fn an_empty_tree_gives_unknowns_and_no_failure() {
    let os = OsInfo::detect(machine(&[]).path());
    assert_eq!((os.release.pretty_name.as_str(), os.kernel_version.as_str()), ("Linux", ""));
    assert_eq!((os.init, os.machine_id), (Init::Other, None));
    assert_eq!(os.virtualization.name(), "none");
}

#[test]
fn each_distribution_is_known_with_its_version_and_its_family() {
    let all: &[(&[u8], &str, &str, &str)] = &[
        (include_bytes!("../../fixtures/os_release/debian-12"), "debian", "12", "debian"),
        (include_bytes!("../../fixtures/os_release/ubuntu-24.04"), "ubuntu", "24.04", "debian"),
        (include_bytes!("../../fixtures/os_release/fedora-40"), "fedora", "40", "fedora"),
        (include_bytes!("../../fixtures/os_release/rocky-9.5"), "rocky", "9.5", "rhel"),
        (include_bytes!("../../fixtures/os_release/opensuse-leap-15.6"), "opensuse-leap", "15.6", "suse"),
        (include_bytes!("../../fixtures/os_release/alpine-3.19"), "alpine", "3.19.8", "alpine"),
        (include_bytes!("../../fixtures/os_release/arch"), "arch", "", "arch"),
    ];
    for (text, id, version, family) in all {
        let release = OsInfo::detect(machine(&[("etc/os-release", *text)]).path()).release;
        assert_eq!((release.id.as_str(), release.version_id.as_str()), (*id, *version));
        assert!(release.is_like(family), "{id} is not like {family}");
    }
}

#[test]
fn a_hostile_os_release_stays_text() {
    let tree = machine(&[("etc/os-release", include_bytes!("../../fixtures/os_release/hostile"))]);
    let release = OsInfo::detect(tree.path()).release;
    assert_eq!(release.id, "../../etc", "never used as a path");
    assert_eq!((release.name.as_str(), release.version_id.as_str()), ("Linux", "$(reboot)"));
    assert_eq!(release.pretty_name, "unterminated");
}

#[test]
fn a_missing_or_empty_os_release_is_looked_for_in_usr_lib() {
    let vendor: (&str, &[u8]) = ("usr/lib/os-release", b"ID=alpine\n");
    assert_eq!(OsInfo::detect(machine(&[vendor]).path()).release.id, "alpine");
    assert_eq!(OsInfo::detect(machine(&[vendor, ("etc/os-release", b"\n")]).path()).release.id, "alpine");
}

#[test]
fn an_absurdly_long_os_release_is_read_with_a_bound() {
    let mut text = b"ID=debian\n".to_vec();
    text.resize(8 << 20, b'x');
    assert_eq!(OsInfo::detect(machine(&[("etc/os-release", &text)]).path()).release.id, "debian");
}

#[test]
fn a_machine_id_that_is_not_set_yet_is_none() {
    for text in [&b"uninitialized\n"[..], b"", b"0123\n", b"0123456789abcdef0123456789abcdeg\n"] {
        assert_eq!(OsInfo::detect(machine(&[("etc/machine-id", text)]).path()).machine_id, None);
    }
}

#[test]
fn the_processor_tells_kvm_from_tcg_where_dmi_says_qemu_of_both() {
    let dmi: &[(&str, &[u8])] = &[("sys/class/dmi/id/sys_vendor", b"QEMU\n")];
    assert_eq!(virtualization(dmi, Some(KVM)).name(), "kvm");
    assert_eq!(virtualization(dmi, Some(TCG)).name(), "qemu");
    assert_eq!(virtualization(dmi, None).name(), "qemu");
    assert_eq!(virtualization(&[], Some(b"VMwareVMware")).name(), "vmware");
}

#[test]
fn kvm_that_plays_hyper_v_is_kvm() {
    assert_eq!(virtualization(&[("sys/class/dmi/id/sys_vendor", b"QEMU\n")], Some(HYPER_V)).name(), "kvm");
    assert_eq!(virtualization(&[], Some(HYPER_V)).name(), "microsoft");
}

#[test]
fn dmi_comes_first_for_hypervisors_that_hide_another_one() {
    let virtual_box: &[(&str, &[u8])] = &[("sys/class/dmi/id/product_name", b"VirtualBox\n")];
    assert_eq!(virtualization(virtual_box, Some(KVM)).name(), "oracle");
    let amazon: &[(&str, &[u8])] = &[("sys/class/dmi/id/sys_vendor", b"Amazon EC2\n")];
    assert_eq!(virtualization(amazon, Some(KVM)).name(), "amazon");
}

#[test]
fn a_microsoft_laptop_is_no_virtual_machine() {
    let vendor: (&str, &[u8]) = ("sys/class/dmi/id/sys_vendor", b"Microsoft Corporation\n");
    assert_eq!(
        virtualization(&[vendor, ("sys/class/dmi/id/product_name", b"Surface Pro\n")], None).name(),
        "none"
    );
    let machine = ("sys/class/dmi/id/product_name", &b"Virtual Machine\n"[..]);
    assert_eq!(virtualization(&[vendor, machine], None).name(), "microsoft");
}

#[test]
fn the_control_domain_of_xen_is_no_guest() {
    assert_eq!(virtualization(&[("proc/xen/capabilities", b"control_d\n")], None).name(), "none");
    assert_eq!(virtualization(&[("proc/xen/capabilities", b"")], None).name(), "xen");
    assert_eq!(virtualization(&[("sys/hypervisor/type", b"xen\n")], None).name(), "xen");
}

#[test]
fn an_unknown_hypervisor_is_still_one() {
    assert_eq!(virtualization(&[], Some(b"NobodyKnows!")).name(), "vm-other");
    let flags: &[(&str, &[u8])] = &[("proc/cpuinfo", b"processor\t: 0\nflags\t\t: fpu hypervisor lahf_lm\n")];
    assert_eq!(virtualization(flags, None).name(), "vm-other");
    let bare: &[(&str, &[u8])] = &[("proc/cpuinfo", b"flags\t\t: fpu lahf_lm\n")];
    assert_eq!(virtualization(bare, None).name(), "none");
}

#[test]
fn an_arm_machine_is_known_by_its_device_tree() {
    assert_eq!(
        virtualization(&[("proc/device-tree/hypervisor/compatible", b"linux,kvm\0")], None).name(),
        "kvm"
    );
    assert_eq!(
        virtualization(&[("proc/device-tree/compatible", b"linux,dummy-virt\0")], None).name(),
        "qemu"
    );
}

#[test]
fn a_container_is_named_and_its_hypervisor_kept() {
    let nspawn: &[(&str, &[u8])] = &[("run/systemd/container", b"systemd-nspawn\n")];
    let found = virtualization(nspawn, Some(KVM));
    assert_eq!((found.name(), found.hypervisor), ("systemd-nspawn", Some("kvm")));
    let by_environment: &[(&str, &[u8])] = &[("proc/1/environ", b"PATH=/bin\0container=lxc\0")];
    assert_eq!(virtualization(by_environment, None).name(), "lxc");
    assert_eq!(virtualization(&[(".dockerenv", b"")], None).name(), "docker");
    assert_eq!(virtualization(&[("run/.containerenv", b"")], None).name(), "podman");
    assert_eq!(virtualization(&[("run/systemd/container", b"novel\n")], None).name(), "container-other");
    let wsl: &[(&str, &[u8])] = &[("proc/sys/kernel/osrelease", b"5.15.90.1-microsoft-standard-WSL2\n")];
    assert_eq!(virtualization(wsl, None).name(), "wsl");
}

#[test]
fn the_init_system_is_known_by_what_it_leaves() {
    let init = |files: &[(&str, &[u8])]| OsInfo::detect(machine(files).path()).init;
    assert_eq!(init(&[("run/systemd/system/", b"")]), Init::Systemd);
    assert_eq!(init(&[("run/openrc/", b""), ("proc/1/comm", b"init\n")]), Init::OpenRc);
    assert_eq!(init(&[("proc/1/comm", b"runit\n")]), Init::Runit);
    assert_eq!(init(&[("proc/1/comm", b"init\n"), ("etc/inittab", b"")]), Init::SysV);
    assert_eq!(init(&[("proc/1/comm", b"bash\n")]), Init::Other);
}
