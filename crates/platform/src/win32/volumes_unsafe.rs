//! Drives: which there are, how full they are, and how busy.
#![allow(unsafe_code)]

use super::wide::{list, narrow, wide};
use std::io;
use std::os::windows::io::{FromRawHandle, OwnedHandle};
use windows::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAGS_AND_ATTRIBUTES, FILE_SHARE_READ, FILE_SHARE_WRITE, FindFirstVolumeW,
    FindNextVolumeW, FindVolumeClose, GetDiskFreeSpaceExW, GetDriveTypeW, GetLogicalDrives,
    GetVolumeInformationW, GetVolumeNameForVolumeMountPointW, GetVolumePathNamesForVolumeNameW,
    OPEN_EXISTING,
};
use windows::Win32::System::IO::DeviceIoControl;
use windows::Win32::System::Ioctl::{DISK_PERFORMANCE, IOCTL_DISK_PERFORMANCE};
use windows::core::PCWSTR;

/// What `GetDriveType` says.
pub const REMOVABLE: u32 = 2;
/// A disk of this machine.
pub const FIXED: u32 = 3;
/// A share of another.
pub const REMOTE: u32 = 4;
/// In memory.
pub const RAM: u32 = 6;
/// Physical drives looked for.
const MAX_DRIVES: u32 = 64;

/// `C:\` and its like, with what `GetDriveType` says of each.
pub fn drives() -> Vec<(String, u32)> {
    // SAFETY: the call has no conditions.
    let bits = unsafe { GetLogicalDrives() };
    let roots = (b'A'..=b'Z').filter(|letter| bits & 1 << (letter - b'A') != 0);
    roots
        .map(|letter| {
            let root = format!("{}:\\", char::from(letter));
            let kind = kind(&root);
            (root, kind)
        })
        .collect()
}

/// What `GetDriveType` says of a drive, or of a volume by its name.
fn kind(root: &str) -> u32 {
    let name = wide(root);
    // SAFETY: the name ends with a zero and outlives the call.
    unsafe { GetDriveTypeW(PCWSTR(name.as_ptr())) }
}

/// Volumes looked at.
const MAX_VOLUMES: usize = 1024;

/// A volume of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// `\\?\Volume{…}\`.
    pub name: String,
    /// Where it is mounted: `C:\` and its like; empty where it is not.
    pub paths: Vec<String>,
    /// What `GetDriveType` says of it.
    pub kind: u32,
}

impl Volume {
    /// What other calls know it by: a path where it has one, else its name.
    pub fn root(&self) -> &str {
        self.paths.first().unwrap_or(&self.name)
    }
}

/// All of them, in the system's order.
pub fn volumes() -> io::Result<Vec<Volume>> {
    let mut name = [0u16; 64];
    // SAFETY: the call writes at most as much as the slice holds; the search is closed below.
    let search = unsafe { FindFirstVolumeW(&mut name) }?;
    let mut all = vec![volume(narrow(&name))];
    // SAFETY: the search is open, and the call writes at most as much as the slice holds.
    while all.len() < MAX_VOLUMES && unsafe { FindNextVolumeW(search, &mut name) }.is_ok() {
        all.push(volume(narrow(&name)));
    }
    // SAFETY: opened above, and closed once.
    let _closed = unsafe { FindVolumeClose(search) };
    Ok(all)
}

fn volume(name: String) -> Volume {
    let paths = paths(&name);
    Volume { kind: kind(paths.first().unwrap_or(&name)), paths, name }
}

fn paths(volume: &str) -> Vec<String> {
    let (volume, mut room, mut length) = (wide(volume), [0u16; 4096], 0);
    let name = PCWSTR(volume.as_ptr());
    // SAFETY: the name ends with a zero; the buffer is as long as the slice says, and the number is ours.
    let got = unsafe { GetVolumePathNamesForVolumeNameW(name, Some(&mut room), &raw mut length) };
    got.map(|()| list(&room)).unwrap_or_default()
}

/// How full a drive is, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub total: u64,
    /// Free in all.
    pub free: u64,
    /// Free for this account.
    pub available: u64,
}

/// How full it is. Of a share this may wait for long.
pub fn space(root: &str) -> io::Result<Space> {
    let name = wide(root);
    let (mut available, mut total, mut free) = (0, 0, 0);
    // SAFETY: the name ends with a zero, and the numbers are ours.
    unsafe {
        GetDiskFreeSpaceExW(
            PCWSTR(name.as_ptr()),
            Some(&raw mut available),
            Some(&raw mut total),
            Some(&raw mut free),
        )
    }?;
    Ok(Space { total, free, available })
}

/// `NTFS`, where a volume is there and tells.
pub fn file_system(root: &str) -> Option<String> {
    let (name, mut kind) = (wide(root), [0u16; 64]);
    // SAFETY: the name ends with a zero; the buffer is as long as the slice says.
    unsafe { GetVolumeInformationW(PCWSTR(name.as_ptr()), None, None, None, None, Some(&mut kind)) }.ok()?;
    Some(narrow(&kind)).filter(|kind| !kind.is_empty())
}

/// `\\?\Volume{…}\`, where the volume has such a name.
pub fn volume_name(root: &str) -> Option<String> {
    let (name, mut volume) = (wide(root), [0u16; 64]);
    // SAFETY: the name ends with a zero; the buffer is as long as the slice says.
    unsafe { GetVolumeNameForVolumeMountPointW(PCWSTR(name.as_ptr()), &mut volume) }.ok()?;
    Some(narrow(&volume))
}

/// What a physical drive counted since boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// `PhysicalDrive0`.
    pub name: String,
    /// Reads, and bytes read.
    pub read: (u64, u64),
    /// Writes, and bytes written.
    pub written: (u64, u64),
    /// Milliseconds in which it was not idle.
    pub busy_ms: u64,
}

/// Counters of the physical drives. Opened without any access, which needs no rights.
pub fn devices() -> Vec<Device> {
    (0..MAX_DRIVES).filter_map(|number| device(&format!("PhysicalDrive{number}"))).collect()
}

fn device(name: &str) -> Option<Device> {
    let path = wide(&format!(r"\\.\{name}"));
    let share = FILE_SHARE_READ | FILE_SHARE_WRITE;
    // SAFETY: the path ends with a zero; the handle that comes back is closed with `_owner`.
    let drive = unsafe {
        let none = FILE_FLAGS_AND_ATTRIBUTES(0);
        CreateFileW(PCWSTR(path.as_ptr()), 0, share, None, OPEN_EXISTING, none, None)
    }
    .ok()?;
    // SAFETY: the handle was just opened, and nobody else has it.
    let _owner = unsafe { OwnedHandle::from_raw_handle(drive.0) };
    let mut figures = DISK_PERFORMANCE::default();
    let (start, size) = ((&raw mut figures).cast(), size_of::<DISK_PERFORMANCE>() as u32);
    let mut written = 0;
    // SAFETY: the record is of this control code's kind and of this size.
    unsafe {
        DeviceIoControl(
            drive,
            IOCTL_DISK_PERFORMANCE,
            None,
            0,
            Some(start),
            size,
            Some(&raw mut written),
            None,
        )
    }
    .ok()?;
    let number = |value: i64| u64::try_from(value).unwrap_or_default();
    let busy_ms = number(figures.QueryTime.saturating_sub(figures.IdleTime)) / 10_000;
    let read = (u64::from(figures.ReadCount), number(figures.BytesRead));
    let written = (u64::from(figures.WriteCount), number(figures.BytesWritten));
    Some(Device { name: name.to_owned(), read, written, busy_ms })
}
