//! Owner and access list of a file or directory.
#![allow(unsafe_code)]

use std::io;
use std::path::Path;
use windows::Win32::Foundation::{HLOCAL, LocalFree};
use windows::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1, SE_FILE_OBJECT,
    SetNamedSecurityInfoW,
};
use windows::Win32::Security::SECURITY_ATTRIBUTES;
use windows::Win32::Security::{
    ACL, DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, GetSecurityDescriptorOwner,
    OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID,
};
use windows::Win32::Storage::FileSystem::CreateDirectoryW;
use windows::core::{BOOL, HSTRING};

/// A descriptor that the system allocated.
struct Descriptor(PSECURITY_DESCRIPTOR);

impl Descriptor {
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
        }?;
        Ok(descriptor)
    }

    /// Both point into the descriptor.
    fn parts(&self) -> io::Result<(PSID, *const ACL)> {
        let (mut owner, mut list) = (PSID::default(), std::ptr::null_mut());
        let (mut present, mut defaulted) = (BOOL(0), BOOL(0));
        // SAFETY: the descriptor is valid, by `parse`; the results live through the calls.
        unsafe {
            GetSecurityDescriptorOwner(self.0, &raw mut owner, &raw mut defaulted)?;
            GetSecurityDescriptorDacl(self.0, &raw mut present, &raw mut list, &raw mut defaulted)?;
        }
        if owner.is_invalid() || list.is_null() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok((owner, list))
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: allocated by the system for its caller, and not used after this.
        unsafe { LocalFree(Some(HLOCAL(self.0.0))) };
    }
}

/// Makes a directory that has owner and access list of `sddl` from the beginning.
pub(super) fn create_directory(path: &Path, sddl: &str) -> io::Result<()> {
    let descriptor = Descriptor::parse(sddl)?;
    let attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: descriptor.0.0,
        bInheritHandle: BOOL(0),
    };
    let name = HSTRING::from(path);
    // SAFETY: name, attributes and the descriptor that they point to live through the call.
    unsafe { CreateDirectoryW(&name, Some(&raw const attributes)) }.map_err(io::Error::from)
}

/// Gives `path` the owner and the access list of `sddl`, and nothing of what the directory above has.
pub(super) fn set(path: &Path, sddl: &str) -> io::Result<()> {
    let descriptor = Descriptor::parse(sddl)?;
    let (owner, list) = descriptor.parts()?;
    let what = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    let name = HSTRING::from(path);
    // SAFETY: owner and list point into the descriptor, which outlives the call, as the name does.
    let result =
        unsafe { SetNamedSecurityInfoW(&name, SE_FILE_OBJECT, what, Some(owner), None, Some(list), None) };
    Ok(result.ok()?)
}
