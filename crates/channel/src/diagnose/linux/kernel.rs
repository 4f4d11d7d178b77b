//! The controller and the kernel's driver for it.

use crate::diagnose::facts::{Controller, Driver};
use std::fs;
use std::path::Path;

/// Controllers by the virtio bus (which also shows those without PCI), and PCI devices that no driver took.
pub fn controllers(sys: &Path) -> Vec<Controller> {
    let mut found = on_bus(sys, "virtio", |device| {
        // VIRTIO_ID_CONSOLE, include/uapi/linux/virtio_ids.h.
        attribute(device, "device") == "0x0003"
    });
    // 1af4:1003 is the transitional, 1af4:1043 the modern device (virtio 1.2, 4.1.2).
    let is_serial = |device: &Path| matches!(attribute(device, "device").as_str(), "0x1003" | "0x1043");
    found.extend(on_bus(sys, "pci", |device| attribute(device, "vendor") == "0x1af4" && is_serial(device)));
    found
}

fn on_bus(sys: &Path, bus: &str, is_one: impl Fn(&Path) -> bool) -> Vec<Controller> {
    let entries = fs::read_dir(sys.join("bus").join(bus).join("devices")).into_iter().flatten().flatten();
    let mut found: Vec<Controller> = entries
        .filter(|entry| is_one(&entry.path()))
        .map(|entry| Controller {
            bus: bus.into(),
            address: entry.file_name().to_string_lossy().into_owned(),
            driver: driver_of(&entry.path()),
        })
        .collect();
    found.sort_by(|a, b| a.address.cmp(&b.address));
    found
}

fn attribute(device: &Path, name: &str) -> String {
    fs::read_to_string(device.join(name)).unwrap_or_default().trim_end().to_owned()
}

fn driver_of(device: &Path) -> Option<String> {
    let driver = fs::read_link(device.join("driver")).ok()?;
    Some(driver.file_name()?.to_string_lossy().into_owned())
}

/// From sysfs, else from the lists of the running kernel's modules (depmod(8)).
pub fn driver(root: &Path, sys: &Path) -> Driver {
    if sys.join("module/virtio_console").exists() || sys.join("bus/virtio/drivers/virtio_console").exists() {
        return Driver::Loaded;
    }
    let release = fs::read_to_string(root.join("proc/sys/kernel/osrelease")).unwrap_or_default();
    let modules = root.join("lib/modules").join(release.trim_end());
    let listed = |file: &str| {
        let text = fs::read_to_string(modules.join(file)).ok()?;
        Some(
            text.lines()
                .any(|line| line.split(':').next().is_some_and(|path| path.contains("/virtio_console.ko"))),
        )
    };
    match (listed("modules.builtin"), listed("modules.dep")) {
        (Some(true), _) => Driver::BuiltIn,
        (_, Some(true)) => Driver::NotLoaded,
        (Some(_), Some(_)) => Driver::Missing,
        _ => Driver::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn controllers_are_found_on_both_buses_with_their_drivers() {
        let root = tempfile::tempdir().unwrap();
        let sys = root.path();
        put(sys, "bus/virtio/devices/virtio1/device", "0x0003\n");
        symlink("../../../bus/virtio/drivers/virtio_console", sys.join("bus/virtio/devices/virtio1/driver"))
            .unwrap();
        put(sys, "bus/virtio/devices/virtio0/device", "0x0002\n");
        put(sys, "bus/pci/devices/0000:00:05.0/vendor", "0x1af4\n");
        put(sys, "bus/pci/devices/0000:00:05.0/device", "0x1043\n");
        put(sys, "bus/pci/devices/0000:00:06.0/vendor", "0x8086\n");
        put(sys, "bus/pci/devices/0000:00:06.0/device", "0x1003\n");
        let found = controllers(sys);
        let shown: Vec<(&str, Option<&str>)> =
            found.iter().map(|c| (c.address.as_str(), c.driver.as_deref())).collect();
        assert_eq!(shown, [("virtio1", Some("virtio_console")), ("0000:00:05.0", None)]);
    }

    #[test]
    fn the_driver_is_loaded_built_in_available_or_missing() {
        let root = tempfile::tempdir().unwrap();
        let (root, sys) = (root.path(), root.path().join("sys"));
        assert_eq!(driver(root, &sys), Driver::Unknown);
        put(root, "proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
        put(root, "lib/modules/6.1.0-18-amd64/modules.builtin", "kernel/fs/ext4/ext4.ko\n");
        put(root, "lib/modules/6.1.0-18-amd64/modules.dep", "kernel/fs/xfs/xfs.ko.xz:\n");
        assert_eq!(driver(root, &sys), Driver::Missing);
        let dep = "kernel/drivers/char/virtio_console.ko.xz: kernel/drivers/virtio/virtio.ko.xz\n";
        put(root, "lib/modules/6.1.0-18-amd64/modules.dep", dep);
        assert_eq!(driver(root, &sys), Driver::NotLoaded);
        put(root, "lib/modules/6.1.0-18-amd64/modules.builtin", "kernel/drivers/char/virtio_console.ko\n");
        assert_eq!(driver(root, &sys), Driver::BuiltIn);
        put(root, "sys/module/virtio_console/initstate", "live\n");
        assert_eq!(driver(root, &sys), Driver::Loaded);
    }
}
