//! As whom a process runs.
#![allow(unsafe_code)]

use super::process_unsafe::Process;
use super::wide::narrow;
use std::os::windows::io::{FromRawHandle, OwnedHandle};
use windows::Win32::Foundation::HANDLE;
use windows::Win32::Security::{
    GetLengthSid, GetTokenInformation, LookupAccountSidW, PSID, SID_NAME_USE, TOKEN_QUERY, TOKEN_USER,
    TokenUser,
};
use windows::Win32::System::Threading::OpenProcessToken;
use windows::core::{PCWSTR, PWSTR};

/// A security identifier, as bytes.
pub type Sid = Box<[u8]>;

/// Whose process it is.
pub fn owner(process: &Process) -> Option<Sid> {
    let mut token = HANDLE::default();
    // SAFETY: the process is open; the handle that comes back is closed with `_owner`.
    unsafe { OpenProcessToken(process.handle(), TOKEN_QUERY, &raw mut token) }.ok()?;
    // SAFETY: the handle was just opened, and nobody else has it.
    let _owner = unsafe { OwnedHandle::from_raw_handle(token.0) };
    let mut buffer = [0u64; 32];
    let mut needed = 0;
    // SAFETY: the buffer is as long as it is said to be.
    unsafe {
        GetTokenInformation(
            token,
            TokenUser,
            Some(buffer.as_mut_ptr().cast()),
            size_of_val(&buffer) as u32,
            &raw mut needed,
        )
    }
    .ok()?;
    // SAFETY: the call succeeded, so the buffer begins with this record, whose pointer leads into the buffer.
    let user = unsafe { &*buffer.as_ptr().cast::<TOKEN_USER>() };
    // SAFETY: the identifier is valid: Windows wrote it.
    let sid = unsafe {
        let length = GetLengthSid(user.User.Sid) as usize;
        std::slice::from_raw_parts(user.User.Sid.0.cast::<u8>(), length)
    };
    Some(sid.into())
}

/// `NT AUTHORITY\SYSTEM`; `None` where nobody knows it. May ask a domain controller.
pub fn name(sid: &Sid) -> Option<String> {
    let (mut name, mut domain) = ([0u16; 257], [0u16; 257]);
    let (mut name_length, mut domain_length) = (name.len() as u32, domain.len() as u32);
    let mut kind = SID_NAME_USE::default();
    // SAFETY: the identifier is whole, and the buffers are as long as they are said to be.
    unsafe {
        LookupAccountSidW(
            PCWSTR::null(),
            PSID(sid.as_ptr().cast_mut().cast()),
            Some(PWSTR(name.as_mut_ptr())),
            &raw mut name_length,
            Some(PWSTR(domain.as_mut_ptr())),
            &raw mut domain_length,
            &raw mut kind,
        )
    }
    .ok()?;
    let (name, domain) = (narrow(&name), narrow(&domain));
    Some(if domain.is_empty() { name } else { format!("{domain}\\{name}") })
}
