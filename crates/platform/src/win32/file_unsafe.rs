//! Files and directories by handles, each opened by one name from the handle of the directory above it.
#![allow(unsafe_code)]

use super::hresult;
use super::wide::wide;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use windows::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows::Wdk::Storage::FileSystem::{
    FILE_DIRECTORY_FILE, FILE_NON_DIRECTORY_FILE, FILE_OPEN, FILE_OPEN_FOR_BACKUP_INTENT,
    FILE_OPEN_REPARSE_POINT, FILE_SYNCHRONOUS_IO_NONALERT, NTCREATEFILE_CREATE_OPTIONS, NtCreateFile,
};
use windows::Win32::Foundation::{HANDLE, OBJ_CASE_INSENSITIVE, RtlNtStatusToDosError, UNICODE_STRING};
use windows::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, CreateFileW, DELETE, FILE_ACCESS_RIGHTS, FILE_BASIC_INFO,
    FILE_DISPOSITION_FLAG_DELETE, FILE_DISPOSITION_FLAG_IGNORE_READONLY_ATTRIBUTE, FILE_DISPOSITION_INFO,
    FILE_DISPOSITION_INFO_EX, FILE_DISPOSITION_INFO_EX_FLAGS, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_FLAGS_AND_ATTRIBUTES, FILE_LIST_DIRECTORY, FILE_READ_ATTRIBUTES,
    FILE_SHARE_DELETE, FILE_SHARE_MODE, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_TRAVERSE, FileBasicInfo,
    FileDispositionInfo, FileDispositionInfoEx, FileIdBothDirectoryInfo, FileIdBothDirectoryRestartInfo,
    GetFileInformationByHandle, GetFileInformationByHandleEx, OPEN_EXISTING, SYNCHRONIZE,
    SetFileInformationByHandle,
};
use windows::Win32::System::IO::IO_STATUS_BLOCK;
use windows::core::{PCWSTR, PWSTR};

const DIRECTORY: u32 = 0x10;
const REPARSE_POINT: u32 = 0x400;
/// `FILE_ID_BOTH_DIR_INFO` up to its name.
const ENTRY_BYTES: usize = 104;
/// From 1601 to 1970, in units of 100 ns.
const EPOCH: u64 = 116_444_736_000_000_000;
const SHARED: FILE_SHARE_MODE = FILE_SHARE_MODE(FILE_SHARE_READ.0 | FILE_SHARE_WRITE.0 | FILE_SHARE_DELETE.0);

/// Why something is still there.
#[derive(Debug)]
pub enum Failure {
    /// It is not.
    Gone,
    /// Somebody has it open.
    InUse,
    /// Another has its name since the listing, or it was written since.
    Changed,
    /// Anything else.
    Other(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error().map(hresult::win32) {
            // FILE_NOT_FOUND, PATH_NOT_FOUND, DELETE_PENDING.
            Some(2 | 3 | 303) => Self::Gone,
            // SHARING_VIOLATION, LOCK_VIOLATION, USER_MAPPED_FILE, and DIR_NOT_EMPTY: filled since it was looked at.
            Some(32 | 33 | 1224 | 145) => Self::InUse,
            _ => Self::Other(error),
        }
    }
}

/// An entry of a directory, as its listing tells it.
#[derive(Debug)]
pub struct Entry {
    /// Its name, as the file system has it.
    pub name: Vec<u16>,
    /// The latest of its creation, its last write and its last change.
    pub changed: SystemTime,
    /// Bytes on the disk.
    pub allocated: u64,
    attributes: u32,
    /// The file's number; 0 where the file system has none.
    id: u64,
}

impl Entry {
    /// A link, a mount, or a file that is elsewhere.
    pub fn is_reparse_point(&self) -> bool {
        self.attributes & REPARSE_POINT != 0
    }

    /// A directory, and no reparse point.
    pub fn is_plain_directory(&self) -> bool {
        self.attributes & (DIRECTORY | REPARSE_POINT) == DIRECTORY
    }
}

/// A file that was removed.
#[derive(Debug)]
pub struct Removed {
    /// The volume's serial number and the file's own.
    pub inode: (u64, u64),
    /// Names that it had, this one included.
    pub links: u64,
}

/// An open directory that is no reparse point.
#[derive(Debug)]
pub struct Dir(OwnedHandle);

impl Dir {
    /// By its path, which only administrators can have made.
    pub fn root(path: &Path) -> io::Result<Self> {
        let path = wide(&path.to_string_lossy());
        let flags = FILE_FLAGS_AND_ATTRIBUTES(FILE_FLAG_BACKUP_SEMANTICS.0 | FILE_FLAG_OPEN_REPARSE_POINT.0);
        let access = (FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_ATTRIBUTES | SYNCHRONIZE).0;
        // SAFETY: the path ends with a zero; the handle that comes back is ours alone.
        let handle = unsafe {
            let handle = CreateFileW(PCWSTR(path.as_ptr()), access, SHARED, None, OPEN_EXISTING, flags, None)
                .map_err(|error| hresult::io(error.code().0))?;
            OwnedHandle::from_raw_handle(handle.0)
        };
        Self::verified(handle)
    }

    /// The same directory once more.
    pub fn again(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }

    /// A directory in it, for looking into.
    pub fn directory(&self, name: &[u16]) -> io::Result<Self> {
        let access = FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_ATTRIBUTES;
        Self::verified(self.open(name, access, SHARED, FILE_DIRECTORY_FILE)?)
    }

    /// The same where the directory itself may be removed afterwards; it is the one that was listed.
    pub fn directory_for_walk(&self, entry: &Entry) -> Result<Self, Failure> {
        let access = FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_ATTRIBUTES | DELETE;
        let directory = Self::verified(self.open(&entry.name, access, SHARED, FILE_DIRECTORY_FILE)?)?;
        unchanged(&directory.0, &information(&directory.0)?, entry)?;
        Ok(directory)
    }

    /// Removes a file that nobody else has open, and that is the one that was listed, unwritten since. In a dry run only looks
    /// whether that could be done.
    pub fn remove_file(&self, entry: &Entry, dry_run: bool) -> Result<Removed, Failure> {
        let nobody = FILE_SHARE_MODE(0);
        let handle =
            self.open(&entry.name, FILE_READ_ATTRIBUTES | DELETE, nobody, FILE_NON_DIRECTORY_FILE)?;
        let known = information(&handle)?;
        if known.dwFileAttributes & REPARSE_POINT != 0 {
            return Err(Failure::Changed);
        }
        unchanged(&handle, &known, entry)?;
        if !dry_run {
            delete(&handle)?;
        }
        let inode = (u64::from(known.dwVolumeSerialNumber), index(&known));
        Ok(Removed { inode, links: known.nNumberOfLinks.into() })
    }

    /// Removes this very directory, which is empty.
    pub fn remove(&self, dry_run: bool) -> Result<(), Failure> {
        if dry_run { Ok(()) } else { Ok(delete(&self.0)?) }
    }

    /// What is in it, but itself and the one above.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        Listing { dir: self, buffer: vec![0; 8 << 10], at: None, restart: true }
            .filter(|entry| !matches!(entry.name.as_slice(), [46] | [46, 46]))
    }

    fn verified(handle: OwnedHandle) -> io::Result<Self> {
        let attributes = information(&handle)?.dwFileAttributes;
        if attributes & (DIRECTORY | REPARSE_POINT) != DIRECTORY {
            return Err(io::Error::other("it is a reparse point, or is behind one; skipped"));
        }
        Ok(Self(handle))
    }

    /// Opens by one name from this directory, and the reparse point itself where it is one.
    fn open(
        &self,
        name: &[u16],
        access: FILE_ACCESS_RIGHTS,
        share: FILE_SHARE_MODE,
        kind: NTCREATEFILE_CREATE_OPTIONS,
    ) -> io::Result<OwnedHandle> {
        let slash = [u16::from(b'\\'), u16::from(b'/')];
        if name.is_empty() || name.len() > 255 || name.iter().any(|unit| slash.contains(unit)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let bytes = (name.len() * 2) as u16;
        let text =
            UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: PWSTR(name.as_ptr().cast_mut()) };
        let attributes = OBJECT_ATTRIBUTES {
            Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
            RootDirectory: HANDLE(self.0.as_raw_handle()),
            ObjectName: &raw const text,
            Attributes: OBJ_CASE_INSENSITIVE,
            ..OBJECT_ATTRIBUTES::default()
        };
        let options =
            kind | FILE_OPEN_REPARSE_POINT | FILE_OPEN_FOR_BACKUP_INTENT | FILE_SYNCHRONOUS_IO_NONALERT;
        let (mut handle, mut status) = (HANDLE::default(), IO_STATUS_BLOCK::default());
        // SAFETY: the attributes and the name outlive the call; the handle that comes back is ours alone.
        unsafe {
            let code = NtCreateFile(
                &raw mut handle,
                access | SYNCHRONIZE,
                &raw const attributes,
                &raw mut status,
                None,
                FILE_FLAGS_AND_ATTRIBUTES(0),
                share,
                FILE_OPEN,
                options,
                None,
                0,
            );
            if code.is_err() {
                return Err(io::Error::from_raw_os_error(RtlNtStatusToDosError(code).cast_signed()));
            }
            Ok(OwnedHandle::from_raw_handle(handle.0))
        }
    }
}

fn information(handle: &OwnedHandle) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
    let mut known = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, and the record is ours.
    unsafe { GetFileInformationByHandle(HANDLE(handle.as_raw_handle()), &raw mut known) }?;
    Ok(known)
}

fn index(known: &BY_HANDLE_FILE_INFORMATION) -> u64 {
    u64::from(known.nFileIndexHigh) << 32 | u64::from(known.nFileIndexLow)
}

/// Whether a handle leads to what a listing told, perhaps minutes ago: the same file, and no newer.
fn unchanged(handle: &OwnedHandle, known: &BY_HANDLE_FILE_INFORMATION, entry: &Entry) -> Result<(), Failure> {
    let same = entry.id == 0 || entry.id == index(known);
    if same && newest(handle)? <= entry.changed { Ok(()) } else { Err(Failure::Changed) }
}

/// As for [`Entry::changed`].
fn newest(handle: &OwnedHandle) -> io::Result<SystemTime> {
    let mut basic = FILE_BASIC_INFO::default();
    // SAFETY: the record is of its class and of its size.
    unsafe {
        let size = size_of_val(&basic) as u32;
        let handle = HANDLE(handle.as_raw_handle());
        GetFileInformationByHandleEx(handle, FileBasicInfo, (&raw mut basic).cast(), size)?;
    }
    Ok(time(basic.CreationTime.max(basic.LastWriteTime).max(basic.ChangeTime).cast_unsigned()))
}

fn time(since_1601: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(since_1601.saturating_sub(EPOCH).saturating_mul(100))
}

/// Marks it for removal when its handle closes; one that is read-only too, where Windows can (10 1809 and later).
fn delete(handle: &OwnedHandle) -> io::Result<()> {
    let handle = HANDLE(handle.as_raw_handle());
    let flags = FILE_DISPOSITION_INFO_EX_FLAGS(
        FILE_DISPOSITION_FLAG_DELETE.0 | FILE_DISPOSITION_FLAG_IGNORE_READONLY_ATTRIBUTE.0,
    );
    let newer = FILE_DISPOSITION_INFO_EX { Flags: flags };
    let older = FILE_DISPOSITION_INFO { DeleteFile: true };
    // SAFETY: each record is of its class and of its size.
    unsafe {
        let size = size_of_val(&newer) as u32;
        if SetFileInformationByHandle(handle, FileDispositionInfoEx, (&raw const newer).cast(), size).is_ok()
        {
            return Ok(());
        }
        let size = size_of_val(&older) as u32;
        Ok(SetFileInformationByHandle(handle, FileDispositionInfo, (&raw const older).cast(), size)?)
    }
}

/// A listing under way: one buffer after the other.
struct Listing<'a> {
    dir: &'a Dir,
    buffer: Vec<u64>,
    /// Where the next entry stands in the buffer.
    at: Option<usize>,
    restart: bool,
}

impl Iterator for Listing<'_> {
    type Item = Entry;

    /// Ends where Windows has no more, also for want of a right.
    fn next(&mut self) -> Option<Entry> {
        if self.at.is_none() {
            self.fill()?;
        }
        let start = self.at?;
        // SAFETY: the buffer has this many bytes, and any bytes are valid as bytes.
        let bytes =
            unsafe { std::slice::from_raw_parts(self.buffer.as_ptr().cast::<u8>(), self.buffer.len() * 8) };
        let rest = bytes.get(start..)?;
        let number = |at: usize| rest.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        let wide = |at: usize| rest.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
        let next = number(0)? as usize;
        self.at = (next != 0).then_some(start + next);
        let name = rest.get(ENTRY_BYTES..ENTRY_BYTES + number(60)? as usize)?;
        let changed = wide(8)?.max(wide(24)?).max(wide(32)?);
        Some(Entry {
            name: name.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect(),
            changed: time(changed),
            allocated: wide(48)?,
            attributes: number(56)?,
            id: wide(96)?,
        })
    }
}

impl Listing<'_> {
    fn fill(&mut self) -> Option<()> {
        let class = if self.restart { FileIdBothDirectoryRestartInfo } else { FileIdBothDirectoryInfo };
        self.restart = false;
        let size = (self.buffer.len() * 8) as u32;
        // SAFETY: the buffer is as long as it is said to be, and aligned for its records.
        unsafe {
            let handle = HANDLE(self.dir.0.as_raw_handle());
            GetFileInformationByHandleEx(handle, class, self.buffer.as_mut_ptr().cast(), size)
        }
        .ok()?;
        self.at = Some(0);
        Some(())
    }
}
