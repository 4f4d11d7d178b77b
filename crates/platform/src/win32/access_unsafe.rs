//! Owner and access list that a file or directory is given.
#![allow(unsafe_code)]

use super::hresult;
use super::security_unsafe::open_itself;
use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _};
use std::path::Path;
use windows::Win32::Foundation::{GENERIC_WRITE, HANDLE, HLOCAL, LocalFree};
use windows::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1, SE_FILE_OBJECT, SetSecurityInfo,
};
use windows::Win32::Security::SECURITY_ATTRIBUTES;
use windows::Win32::Security::{
    ACL, DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, GetSecurityDescriptorOwner,
    OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID,
};
use windows::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateDirectoryW, CreateFileW, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_NONE, READ_CONTROL,
    WRITE_DAC, WRITE_OWNER,
};
use windows::core::{BOOL, HSTRING};

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

/// With the Win32 code, by which its kind is known.
#[allow(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
fn io_error(error: windows::core::Error) -> io::Error {
    hresult::io(error.code().0)
}
