//! Physical disks: their place on a bus, their serial number, and which of them a volume lies on.
#![allow(unsafe_code)]

use super::wide::{narrow, wide};
use std::os::windows::io::{AsRawHandle as _, FromRawHandle, OwnedHandle};
use windows::Win32::Devices::DeviceAndDriverInstallation::{
    CM_GET_DEVICE_INTERFACE_LIST_PRESENT, CM_Get_DevNode_PropertyW, CM_Get_Device_Interface_PropertyW,
    CM_Get_Parent, CM_LOCATE_DEVNODE_NORMAL, CM_Locate_DevNodeW, CR_SUCCESS,
};
use windows::Win32::Devices::Properties::{
    DEVPKEY_Device_Address, DEVPKEY_Device_BusNumber, DEVPKEY_Device_InstanceId, DEVPROPTYPE,
};
use windows::Win32::Foundation::{DEVPROPKEY, HANDLE};
use windows::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAGS_AND_ATTRIBUTES, FILE_SHARE_READ, FILE_SHARE_WRITE, OPEN_EXISTING,
};
use windows::Win32::System::IO::DeviceIoControl;
use windows::Win32::System::Ioctl::GUID_DEVINTERFACE_DISK;
use windows::core::PCWSTR;

/// Control codes of `winioctl.h` and `ntddscsi.h`; `CTL_CODE` of their devices.
const VOLUME_DISK_EXTENTS: u32 = 0x0056_0000;
const STORAGE_DEVICE_NUMBER: u32 = 0x002d_1080;
const STORAGE_QUERY_PROPERTY: u32 = 0x002d_1400;
const SCSI_ADDRESS: u32 = 0x0004_1018;
/// Room for an answer.
const ROOM_BYTES: usize = 1024;

/// A place on a bus of PCI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PciPlace {
    /// The bus.
    pub bus: u32,
    /// Slot in the upper half, function in the lower.
    pub slot_and_function: u32,
}

/// A physical disk. All is as the system's records have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// Of `\\.\PhysicalDrive0`.
    pub number: u32,
    /// `STORAGE_DEVICE_DESCRIPTOR`; empty where it is not told.
    pub descriptor: Vec<u8>,
    /// `SCSI_ADDRESS`; empty where there is none.
    pub scsi: Vec<u8>,
    /// Of its controller, where that is one of PCI.
    pub controller: Option<PciPlace>,
}

/// All that are present. Opened without any access, which needs no rights.
pub fn disks() -> Vec<Disk> {
    let paths =
        super::devices_unsafe::interfaces(&GUID_DEVINTERFACE_DISK, CM_GET_DEVICE_INTERFACE_LIST_PRESENT);
    let mut disks: Vec<Disk> = paths.iter().filter_map(|path| disk(path)).collect();
    disks.sort_by_key(|disk| disk.number);
    disks
}

/// Numbers of the disks that a volume lies on, as `VOLUME_DISK_EXTENTS`; empty where it lies on none. `volume` is `\\.\C:` or
/// `\\?\Volume{…}`, without a backslash at its end.
pub fn extents(volume: &str) -> Vec<u8> {
    open(volume).and_then(|volume| ask(&volume, VOLUME_DISK_EXTENTS, &[])).unwrap_or_default()
}

fn disk(path: &str) -> Option<Disk> {
    let device = open(path)?;
    // `STORAGE_DEVICE_NUMBER`: type, number, partition.
    let number = ask(&device, STORAGE_DEVICE_NUMBER, &[])?;
    let number = u32::from_le_bytes(*number.get(4..)?.first_chunk()?);
    // `STORAGE_PROPERTY_QUERY`: `StorageDeviceProperty`, `PropertyStandardQuery`.
    let descriptor = ask(&device, STORAGE_QUERY_PROPERTY, &[0; 12]).unwrap_or_default();
    let scsi = ask(&device, SCSI_ADDRESS, &[]).unwrap_or_default();
    Some(Disk { number, descriptor, scsi, controller: controller(path) })
}

fn open(path: &str) -> Option<OwnedHandle> {
    let path = wide(path);
    let (share, none) = (FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_FLAGS_AND_ATTRIBUTES(0));
    // SAFETY: the path ends with a zero and outlives the call.
    let device =
        unsafe { CreateFileW(PCWSTR(path.as_ptr()), 0, share, None, OPEN_EXISTING, none, None) }.ok()?;
    // SAFETY: the handle was just opened, and nobody else has it.
    Some(unsafe { OwnedHandle::from_raw_handle(device.0) })
}

fn ask(device: &OwnedHandle, code: u32, question: &[u8]) -> Option<Vec<u8>> {
    // Records have numbers of up to eight bytes in them.
    let mut room = [0u64; ROOM_BYTES / 8];
    let mut written = 0;
    let input = (!question.is_empty()).then(|| question.as_ptr().cast());
    // SAFETY: the handle is open; both buffers live through the call and are as long as they are said to be.
    unsafe {
        DeviceIoControl(
            HANDLE(device.as_raw_handle()),
            code,
            input,
            question.len() as u32,
            Some(room.as_mut_ptr().cast()),
            ROOM_BYTES as u32,
            Some(&raw mut written),
            None,
        )
    }
    .ok()?;
    let bytes: Vec<u8> = room.iter().flat_map(|eight| eight.to_ne_bytes()).collect();
    bytes.get(..written as usize).map(<[u8]>::to_vec)
}

/// Of the device above the disk.
fn controller(path: &str) -> Option<PciPlace> {
    let (path, mut kind) = (wide(path), DEVPROPTYPE::default());
    let mut room = [0u16; 256];
    let mut bytes = size_of_val(&room) as u32;
    let start = Some(room.as_mut_ptr().cast());
    let (interface, key) = (PCWSTR(path.as_ptr()), &DEVPKEY_Device_InstanceId);
    // SAFETY: the path ends with a zero; the buffer is as long as it is said to be, and all outlive the call.
    let told =
        unsafe { CM_Get_Device_Interface_PropertyW(interface, key, &raw mut kind, start, &raw mut bytes, 0) };
    let (instance, mut disk, mut parent) = (wide(&narrow(&room)), 0, 0);
    // SAFETY: the identifier ends with a zero, and the numbers are ours.
    let found = unsafe {
        told == CR_SUCCESS
            && CM_Locate_DevNodeW(&raw mut disk, PCWSTR(instance.as_ptr()), CM_LOCATE_DEVNODE_NORMAL)
                == CR_SUCCESS
            && CM_Get_Parent(&raw mut parent, disk, 0) == CR_SUCCESS
    };
    let instance = found.then(|| property(parent, &DEVPKEY_Device_InstanceId)).flatten()?;
    let units: Vec<u16> = instance.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    let number = |key| Some(u32::from_le_bytes(*property(parent, key)?.first_chunk()?));
    let is_pci = narrow(&units).to_ascii_uppercase().starts_with(r"PCI\");
    let place = number(&DEVPKEY_Device_BusNumber).zip(number(&DEVPKEY_Device_Address));
    place.filter(|_| is_pci).map(|(bus, slot_and_function)| PciPlace { bus, slot_and_function })
}

fn property(device: u32, key: &DEVPROPKEY) -> Option<Vec<u8>> {
    let (mut room, mut kind) = ([0u8; 512], DEVPROPTYPE::default());
    let mut bytes = room.len() as u32;
    let start = Some(room.as_mut_ptr());
    // SAFETY: the key and the buffer outlive the call, and the buffer is as long as it is said to be.
    let told = unsafe { CM_Get_DevNode_PropertyW(device, key, &raw mut kind, start, &raw mut bytes, 0) };
    (told == CR_SUCCESS).then(|| room.get(..bytes as usize).map(<[u8]>::to_vec)).flatten()
}
