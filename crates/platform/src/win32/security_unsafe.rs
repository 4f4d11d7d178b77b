//! Owner and access list of a file or directory, as they are given to it and as they are asked of its handle: a name could mean
//! another file a moment later. And who this process itself is.
#![allow(unsafe_code)]

use super::descriptor::{Descriptor, Sid};
use super::hresult;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _};
use std::path::Path;
use windows::Win32::Foundation::{CloseHandle, GENERIC_WRITE, HANDLE, HLOCAL, LocalFree};
use windows::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1, SE_FILE_OBJECT, SetSecurityInfo,
};
use windows::Win32::Security::{
    ACL, DACL_SECURITY_INFORMATION, GetKernelObjectSecurity, GetLengthSid, GetSecurityDescriptorDacl,
    GetSecurityDescriptorOwner, GetTokenInformation, OWNER_SECURITY_INFORMATION,
    PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, SECURITY_ATTRIBUTES, TOKEN_ELEVATION,
    TOKEN_QUERY, TOKEN_USER, TokenElevation, TokenUser,
};
use windows::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateDirectoryW, CreateFileW, FILE_ATTRIBUTE_NORMAL, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_SHARE_DELETE, FILE_SHARE_NONE, FILE_SHARE_READ, FILE_SHARE_WRITE,
    READ_CONTROL, WRITE_DAC, WRITE_OWNER,
};
use windows::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
use windows::core::{BOOL, HSTRING};

/// A longer descriptor is not read: a list is at most 64 KiB, and there is only one.
const MAX_DESCRIPTOR_BYTES: u32 = 80 << 10;
/// A user's SID and its attributes: 68 bytes are the longest SID (`SECURITY_MAX_SID_SIZE`). Words, as it holds a pointer.
const TOKEN_USER_WORDS: usize = 16;

/// The account of this process.
#[derive(Clone, Debug)]
pub struct Account {
    /// Who it is.
    pub sid: Sid,
    /// Whether it has an administrator's rights, or is the system itself.
    pub elevated: bool,
}

/// Opens a file or directory with these rights; a link itself, not where it leads. Nobody is hindered by it.
///
/// # Errors
/// It is not there, or not for this account.
pub fn open_itself(path: &Path, rights: u32) -> io::Result<File> {
    OpenOptions::new()
        .access_mode(rights)
        .share_mode((FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE).0)
        .custom_flags((FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT).0)
        .open(path)
}

/// Owner and access list of what is open; the handle must have been opened with `READ_CONTROL`, as for reading it is.
///
/// # Errors
/// The system does not tell.
pub fn descriptor_of(file: &File) -> io::Result<Descriptor> {
    let what = (OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION).0;
    let mut bytes = vec![0_u64; (MAX_DESCRIPTOR_BYTES / 8) as usize];
    let (handle, mut needed) = (HANDLE(file.as_raw_handle()), 0);
    let buffer = PSECURITY_DESCRIPTOR(bytes.as_mut_ptr().cast());
    // SAFETY: the handle is open; the buffer has the size that is told, and lives through the call as the result does.
    unsafe { GetKernelObjectSecurity(handle, what, Some(buffer), MAX_DESCRIPTOR_BYTES, &raw mut needed) }
        .map_err(io_error)?;
    let read: Vec<u8> = bytes.iter().flat_map(|word| word.to_le_bytes()).take(needed as usize).collect();
    Descriptor::parse(&read).ok_or_else(|| io::Error::other("its security descriptor cannot be parsed"))
}

/// Who runs this.
///
/// # Errors
/// The system does not tell.
pub fn own_account() -> io::Result<Account> {
    let mut token = HANDLE::default();
    // SAFETY: the pseudo-handle of this process is always valid, and the result lives through the call.
    unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) }.map_err(io_error)?;
    let account = user(token).and_then(|sid| Ok(Account { sid, elevated: elevated(token)? }));
    // SAFETY: opened above, and not used after this.
    unsafe { CloseHandle(token) }.map_err(io_error)?;
    account
}

fn user(token: HANDLE) -> io::Result<Sid> {
    let mut buffer = [0_u64; TOKEN_USER_WORDS];
    let (mut length, size) = (0, size_of_val(&buffer) as u32);
    // SAFETY: the token is open, and the buffer has the size that is told.
    unsafe { GetTokenInformation(token, TokenUser, Some(buffer.as_mut_ptr().cast()), size, &raw mut length) }
        .map_err(io_error)?;
    // SAFETY: the system wrote a TOKEN_USER at the buffer's beginning, which is aligned for it; its SID is in the buffer.
    let bytes = unsafe {
        let sid = (*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid;
        std::slice::from_raw_parts(sid.0.cast::<u8>(), GetLengthSid(sid) as usize)
    };
    Sid::parse(bytes).ok_or_else(|| io::Error::other("this process's account cannot be parsed"))
}

fn elevated(token: HANDLE) -> io::Result<bool> {
    let (mut elevation, mut length) = (TOKEN_ELEVATION::default(), 0);
    let size = size_of::<TOKEN_ELEVATION>() as u32;
    let buffer = (&raw mut elevation).cast();
    // SAFETY: the token is open, and the buffer has the size that is told.
    unsafe { GetTokenInformation(token, TokenElevation, Some(buffer), size, &raw mut length) }
        .map_err(io_error)?;
    Ok(elevation.TokenIsElevated != 0)
}

/// With the Win32 code, by which its kind is known.
#[allow(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
fn io_error(error: windows::core::Error) -> io::Error {
    hresult::io(error.code().0)
}

/// The descriptor that something is to have; the system allocated it.
struct Wanted(PSECURITY_DESCRIPTOR);

impl Wanted {
    fn parse(sddl: &str) -> io::Result<Self> {
        let mut descriptor = Self(PSECURITY_DESCRIPTOR::default());
        let text = HSTRING::from(sddl);
        // SAFETY: text and result live through the call; what it allocates is freed by `drop`.
        unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                &text,
                SDDL_REVISION_1,
                &raw mut descriptor.0,
                None,
            )
        }
        .map_err(io_error)?;
        Ok(descriptor)
    }

    /// Both point into the descriptor.
    fn parts(&self) -> io::Result<(PSID, *const ACL)> {
        let (mut owner, mut list) = (PSID::default(), std::ptr::null_mut());
        let (mut present, mut defaulted) = (BOOL(0), BOOL(0));
        // SAFETY: the descriptor is valid, by `parse`; the results live through the calls.
        unsafe {
            GetSecurityDescriptorOwner(self.0, &raw mut owner, &raw mut defaulted).map_err(io_error)?;
            GetSecurityDescriptorDacl(self.0, &raw mut present, &raw mut list, &raw mut defaulted)
                .map_err(io_error)?;
        }
        if owner.is_invalid() || list.is_null() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok((owner, list))
    }

    fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: self.0.0,
            bInheritHandle: BOOL(0),
        }
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        // SAFETY: allocated by the system for its caller, and not used after this.
        unsafe { LocalFree(Some(HLOCAL(self.0.0))) };
    }
}

/// Makes a directory that has owner and access list of `sddl` from the beginning.
///
/// # Errors
/// There is something of this name, or the system refuses.
pub fn create_directory(path: &Path, sddl: &str) -> io::Result<()> {
    let descriptor = Wanted::parse(sddl)?;
    let (name, attributes) = (HSTRING::from(path), descriptor.attributes());
    // SAFETY: name, attributes and the descriptor that they point to live through the call.
    unsafe { CreateDirectoryW(&name, Some(&raw const attributes)) }.map_err(io_error)
}

/// Makes a file to write to, with the access list of `sddl` from the beginning.
///
/// # Errors
/// There is something of this name, or the system refuses.
pub fn create_file(path: &Path, sddl: &str) -> io::Result<File> {
    let descriptor = Wanted::parse(sddl)?;
    let (name, attributes) = (HSTRING::from(path), descriptor.attributes());
    let (access, list) = (GENERIC_WRITE.0, Some(&raw const attributes));
    // SAFETY: name, attributes and the descriptor that they point to live through the call.
    let handle =
        unsafe { CreateFileW(&name, access, FILE_SHARE_NONE, list, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, None) }
            .map_err(io_error)?;
    // SAFETY: the handle was opened above, and is nobody else's.
    Ok(unsafe { File::from_raw_handle(handle.0) })
}

/// Gives what is at `path` the owner and the access list of `sddl`, and nothing of what the directory above has; by a handle,
/// so that it is what was looked at. A link could lead to something of somebody else's.
///
/// # Errors
/// It is a link, or the system refuses.
pub fn set(path: &Path, sddl: &str) -> io::Result<()> {
    let descriptor = Wanted::parse(sddl)?;
    let (owner, list) = descriptor.parts()?;
    let file = open_itself(path, (READ_CONTROL | WRITE_DAC | WRITE_OWNER).0)?;
    if file.metadata()?.file_type().is_symlink() {
        return Err(io::Error::other("it is a link: remove it first"));
    }
    let what = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    let handle = HANDLE(file.as_raw_handle());
    // SAFETY: the handle is open; owner and list point into the descriptor, which outlives the call.
    let result =
        unsafe { SetSecurityInfo(handle, SE_FILE_OBJECT, what, Some(owner), None, Some(list), None) };
    result.ok().map_err(io_error)
}
