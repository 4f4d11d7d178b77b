//! Where a disk hangs: libvirt finds the host's own disk by it. The first PCI function on the way to the disk whose driver is
//! known decides.

use super::blocks::{Device, Devices};
use infiniservice_qga::reply::{BusType, CcwAddress, DiskAddress, PciController};
use std::fs;
use std::path::{Path, PathBuf};

/// Where it is unknown.
const NOWHERE: PciController = PciController { domain: -1, bus: -1, slot: -1, function: -1 };

/// Bus, number of the bus, target, unit.
type Place = (BusType, i64, i64, i64);

/// Of all disks below a device.
pub fn all(devices: &Devices, device: &Device) -> Vec<DiskAddress> {
    devices.real(device).iter().map(|real| of(devices, real)).collect()
}

/// Of a device that is no virtual one.
pub fn of(devices: &Devices, device: &Device) -> DiskAddress {
    let path = devices.kernel_path(device);
    let (pci_controller, (bus_type, bus, target, unit)) =
        found(&device.directory, path).unwrap_or_else(|| (NOWHERE, (without_pci(path), 0, 0, 0)));
    DiskAddress {
        pci_controller,
        bus_type,
        bus,
        target,
        unit,
        serial: devices.property(device, "ID_SERIAL"),
        dev: Some(device.node()),
        ccw_address: channel(path),
    }
}

/// virtio over memory or channels.
fn without_pci(path: &Path) -> BusType {
    let is_virtio = names(path).iter().any(|name| name.strip_prefix("virtio").is_some_and(is_number));
    if is_virtio { BusType::Virtio } else { BusType::Unknown }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn names(path: &Path) -> Vec<&str> {
    path.iter().filter_map(|name| name.to_str()).collect()
}

fn found(directory: &Path, path: &Path) -> Option<(PciController, Place)> {
    let names = names(path);
    let mut above: Vec<PathBuf> = directory.ancestors().take(names.len()).map(Path::to_owned).collect();
    above.reverse();
    above.iter().zip(&names).enumerate().find_map(|(at, (directory, name))| {
        let pci = pci(name)?;
        let driver = fs::read_link(directory.join("driver")).ok()?;
        let place = place(driver.file_name()?.to_str()?, directory, names.get(at + 1..)?)?;
        Some((pci, place))
    })
}

/// `0000:00:05.0`, in hexadecimal.
fn pci(name: &str) -> Option<PciController> {
    let (domain, rest) = name.split_once(':')?;
    let (bus, rest) = rest.split_once(':')?;
    let (slot, function) = rest.split_once('.')?;
    let number = |text| i64::from_str_radix(text, 16).ok();
    Some(PciController {
        domain: number(domain)?,
        bus: number(bus)?,
        slot: number(slot)?,
        function: number(function)?,
    })
}

/// By the driver of the controller and what stands below it; `None`: no driver of disks.
fn place(driver: &str, controller: &Path, below: &[&str]) -> Option<Place> {
    let scsi = scsi(below);
    let index = || numbered(controller, below, "ata").unwrap_or_default();
    Some(match driver {
        "virtio-pci" => match scsi {
            Some((bus, target, unit)) => (BusType::Scsi, bus, target, unit),
            None => (BusType::Virtio, 0, 0, 0),
        },
        "ata_piix" => (BusType::Ide, index(), 0, scsi?.1),
        "ahci" => (BusType::Sata, 0, 0, index()),
        "sym53c8xx" => (BusType::Scsi, 0, 0, scsi?.1),
        "nvme" => (BusType::Nvme, 0, 0, 0),
        "xhci_hcd" | "ehci-pci" => (BusType::Usb, 0, 0, 0),
        _ => return None,
    })
}

/// Bus, target and unit of `…/targetH:B:T/H:B:T:L/…`.
fn scsi(below: &[&str]) -> Option<(i64, i64, i64)> {
    let at = below.iter().position(|name| name.starts_with("target"))?;
    let mut numbers = below.get(at + 1)?.split(':').skip(1).map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    Some((next()?, next()?, next()?))
}

/// The place of this controller's own `ataN` among all of its.
fn numbered(controller: &Path, below: &[&str], prefix: &str) -> Option<i64> {
    let number = |name: &str| name.strip_prefix(prefix)?.parse::<u32>().ok();
    let own = below.iter().find_map(|name| number(name))?;
    let entries = fs::read_dir(controller).ok()?.flatten();
    let others = entries.filter_map(|entry| number(entry.file_name().to_str()?));
    i64::try_from(others.filter(|other| *other < own).count()).ok()
}

/// `devices/css0/0.0.0001/0.0.0002/…` of s390x: the subchannel, and the device on it.
fn channel(path: &Path) -> Option<CcwAddress> {
    let names = names(path);
    names.get(1).filter(|name| name.starts_with("css"))?;
    let parts = |at: usize| -> Option<[i64; 3]> {
        let numbers = names.get(at)?.split('.').map(|part| i64::from_str_radix(part, 16).ok());
        numbers.collect::<Option<Vec<_>>>()?.try_into().ok()
    };
    let ([cssid, ssid, subchno], [_, _, devno]) = (parts(2)?, parts(3)?);
    Some(CcwAddress { cssid, ssid, subchno, devno })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A disk at this place, below a controller with this driver.
    fn address(driver: &str, below: &str) -> DiskAddress {
        let root = tempfile::tempdir().unwrap();
        let controller = root.path().join("sys/devices/pci0000:00/0000:00:1f.2");
        let disk = controller.join(below);
        for directory in [&disk, &controller.join("ata3"), &controller.join("ata9")] {
            fs::create_dir_all(directory).unwrap();
        }
        symlink(format!("../../../bus/pci/drivers/{driver}"), controller.join("driver")).unwrap();
        fs::write(disk.join("dev"), "8:0\n").unwrap();
        fs::create_dir_all(root.path().join("run/udev/data")).unwrap();
        fs::write(root.path().join("run/udev/data/b8:0"), "E:ID_MODEL=x\nE:ID_SERIAL=s-1\n").unwrap();
        fs::create_dir_all(root.path().join("sys/dev/block")).unwrap();
        symlink(&disk, root.path().join("sys/dev/block/8:0")).unwrap();
        let devices = Devices::below(root.path());
        of(&devices, &devices.numbered((8, 0)).unwrap())
    }

    fn place_of(driver: &str, below: &str) -> Place {
        let DiskAddress { bus_type, bus, target, unit, pci_controller, .. } = address(driver, below);
        assert_eq!(pci_controller, PciController { domain: 0, bus: 0, slot: 0x1f, function: 2 });
        (bus_type, bus, target, unit)
    }

    #[test]
    fn the_controllers_driver_decides_where_a_disk_hangs() {
        let scsi = "host2/target2:0:3/2:0:3:5/block/sda";
        assert_eq!(place_of("virtio-pci", "virtio1/block/vda"), (BusType::Virtio, 0, 0, 0));
        assert_eq!(place_of("virtio-pci", &format!("virtio1/{scsi}")), (BusType::Scsi, 0, 3, 5));
        assert_eq!(place_of("ata_piix", &format!("ata4/{scsi}")), (BusType::Ide, 1, 0, 3));
        assert_eq!(place_of("ahci", &format!("ata10/{scsi}")), (BusType::Sata, 0, 0, 2));
        assert_eq!(place_of("sym53c8xx", scsi), (BusType::Scsi, 0, 0, 3));
        assert_eq!(place_of("nvme", "nvme/nvme0/nvme0n1"), (BusType::Nvme, 0, 0, 0));
        assert_eq!(place_of("xhci_hcd", &format!("usb1/{scsi}")), (BusType::Usb, 0, 0, 0));
    }

    #[test]
    fn a_disk_of_an_unknown_driver_has_its_serial_number_and_all_that_libvirt_requires() {
        let told = address("megaraid_sas", "host0/target0:2:0/0:2:0:0/block/sda");
        assert_eq!((told.bus_type, told.pci_controller), (BusType::Unknown, NOWHERE));
        assert_eq!((told.serial.as_deref(), told.dev.as_deref()), (Some("s-1"), Some("/dev/sda")));
    }

    #[test]
    fn disks_of_a_mainframe_have_an_address_of_its_own() {
        let path = Path::new("devices/css0/0.0.0001/0.0.1a02/virtio1/block/vda");
        assert_eq!(channel(path), Some(CcwAddress { cssid: 0, ssid: 0, subchno: 1, devno: 0x1a02 }));
        assert_eq!(without_pci(path), BusType::Virtio);
        assert_eq!(channel(Path::new("devices/pci0000:00/0000:00:05.0/virtio1/block/vda")), None);
    }
}
