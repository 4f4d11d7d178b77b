//! Disks and their addresses, out of the records of `winioctl.h` and `ntddscsi.h`.

use crate::reply::{BusType, Disk, DiskAddress, PciController};

/// Where a `STORAGE_DEVICE_DESCRIPTOR` has the offset of the serial number, and the type of the bus.
const SERIAL_AT: usize = 24;
const BUS_AT: usize = 28;
/// Longest serial number that is told.
const MAX_SERIAL_BYTES: usize = 256;
/// `VOLUME_DISK_EXTENTS`: where the first is, and how long each is.
const EXTENTS_AT: usize = 8;
const EXTENT_BYTES: usize = 24;

/// What is known of a disk, in the system's records.
#[derive(Clone, Copy, Debug, Default)]
pub struct PhysicalDisk<'a> {
    /// Of `\\.\PhysicalDrive0`.
    pub number: u32,
    /// `STORAGE_DEVICE_DESCRIPTOR`, perhaps empty.
    pub descriptor: &'a [u8],
    /// `SCSI_ADDRESS`, perhaps empty.
    pub scsi: &'a [u8],
    /// Bus of its controller, and slot and function in the halves of a number.
    pub controller: Option<(u32, u32)>,
}

/// A row of `guest-get-disks`.
pub fn disk(of: &PhysicalDisk<'_>) -> Disk {
    let (name, address) = (name(of.number), Some(address(of)));
    Disk { name, partition: false, dependencies: None, address, alias: None }
}

/// Where it is. libvirt wants every number, also those that are not known.
pub fn address(of: &PhysicalDisk<'_>) -> DiskAddress {
    // `SCSI_ADDRESS`: length, port, path, target, unit.
    let scsi = |at: usize| of.scsi.get(at).copied().map_or(0, i64::from);
    DiskAddress {
        pci_controller: controller(of.controller),
        bus_type: bus(of.descriptor),
        bus: scsi(5),
        target: scsi(6),
        unit: scsi(7),
        serial: serial(of.descriptor),
        dev: Some(name(of.number)),
        ccw_address: None,
    }
}

fn name(number: u32) -> String {
    format!(r"\\.\PhysicalDrive{number}")
}

fn controller(place: Option<(u32, u32)>) -> PciController {
    place.map_or(PciController { domain: -1, bus: -1, slot: -1, function: -1 }, |(bus, address)| {
        let (slot, function) = (i64::from(address >> 16), i64::from(address & 0xffff));
        PciController { domain: 0, bus: bus.into(), slot, function }
    })
}

fn number(record: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*record.get(at..)?.first_chunk()?))
}

/// `STORAGE_BUS_TYPE`.
fn bus(descriptor: &[u8]) -> BusType {
    match number(descriptor, BUS_AT) {
        Some(1) => BusType::Scsi,
        Some(2 | 3) => BusType::Ide,
        Some(4) => BusType::Ieee1394,
        Some(5) => BusType::Ssa,
        Some(6) => BusType::Fibre,
        Some(7) => BusType::Usb,
        Some(8) => BusType::Raid,
        Some(9) => BusType::Iscsi,
        Some(10) => BusType::Sas,
        Some(11) => BusType::Sata,
        Some(12) => BusType::Sd,
        Some(13) => BusType::Mmc,
        Some(14) => BusType::Virtual,
        Some(15) => BusType::FileBackedVirtual,
        Some(17) => BusType::Nvme,
        _ => BusType::Unknown,
    }
}

/// A text that ends with a zero, by its offset within the record; 0 and -1: there is none.
fn serial(descriptor: &[u8]) -> Option<String> {
    let at = number(descriptor, SERIAL_AT).filter(|at| *at > 0)?;
    let text = descriptor.get(usize::try_from(at).ok()?..)?.split(|byte| *byte == 0).next()?;
    let text = String::from_utf8_lossy(text.get(..MAX_SERIAL_BYTES).unwrap_or(text));
    Some(text.trim().to_owned()).filter(|text| !text.is_empty() && !text.contains(char::is_control))
}

/// Numbers of the disks that a volume lies on, each once.
pub fn numbers(extents: &[u8]) -> Vec<u32> {
    let count = number(extents, 0).and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
    let records = extents.get(EXTENTS_AT..).unwrap_or_default().chunks(EXTENT_BYTES);
    let mut all: Vec<u32> = records.take(count).filter_map(|record| number(record, 0)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn descriptor(bus: u32, serial: &[u8]) -> Vec<u8> {
        let mut record = vec![0; 40];
        record[SERIAL_AT..SERIAL_AT + 4].copy_from_slice(&40u32.to_le_bytes());
        record[BUS_AT..BUS_AT + 4].copy_from_slice(&bus.to_le_bytes());
        [&record, serial, b"\0rest"].concat()
    }

    #[test]
    fn a_disk_has_its_bus_its_serial_number_and_its_controller() {
        let descriptor = descriptor(1, b"  QM00001 ");
        let of = PhysicalDisk {
            number: 2,
            descriptor: &descriptor,
            scsi: &[8, 0, 0, 0, 3, 1, 5, 7],
            controller: Some((4, 0x0001_0002)),
        };
        let told = serde_json::to_value(disk(&of)).unwrap();
        assert_eq!(
            told,
            serde_json::json!({ "name": r"\\.\PhysicalDrive2", "partition": false, "address": {
                "pci-controller": { "domain": 0, "bus": 4, "slot": 1, "function": 2 },
                "bus-type": "scsi", "bus": 1, "target": 5, "unit": 7, "serial": "QM00001",
                "dev": r"\\.\PhysicalDrive2" } })
        );
    }

    #[test]
    fn a_disk_of_which_nothing_is_told_has_every_number_all_the_same() {
        let told = address(&PhysicalDisk::default());
        assert_eq!((told.pci_controller.domain, told.bus_type, told.unit), (-1, BusType::Unknown, 0));
        assert_eq!((told.serial, bus(&descriptor(17, b""))), (None, BusType::Nvme));
    }

    #[test]
    fn a_volume_over_several_disks_names_each_once() {
        let extent = |number: u32| [&number.to_le_bytes()[..], &[0; 20]].concat();
        let record = [&3u64.to_le_bytes()[..], &extent(4), &extent(1), &extent(4), &extent(9)].concat();
        assert_eq!(numbers(&record), [1, 4]);
    }

    proptest! {
        #[test]
        fn any_records_are_read(descriptor: Vec<u8>, scsi: Vec<u8>, extents: Vec<u8>) {
            let of = PhysicalDisk { descriptor: &descriptor, scsi: &scsi, ..PhysicalDisk::default() };
            let _ = (address(&of), numbers(&extents));
        }
    }
}
