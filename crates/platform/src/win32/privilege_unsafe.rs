//! Rights that SYSTEM has, and that are off until they are asked for.
#![allow(unsafe_code)]

use windows::Win32::Foundation::{CloseHandle, HANDLE, LUID};
use windows::Win32::Security::{
    AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_PRIVILEGE_ENABLED,
    TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES, TOKEN_QUERY,
};
use windows::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
use windows::core::{PCWSTR, Result};

/// Turns one on for this process. One that the account does not have stays off without an error: what needs it fails then.
pub(super) fn enable(name: PCWSTR) -> Result<()> {
    let mut luid = LUID::default();
    // SAFETY: `name` is one of the system's constants, and `luid` is a place for the answer.
    unsafe { LookupPrivilegeValueW(PCWSTR::null(), name, &raw mut luid)? };
    let mut token = HANDLE::default();
    // SAFETY: the pseudo handle of this process is always valid, and `token` is a place for the answer.
    unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &raw mut token)? };
    let privileges = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES { Luid: luid, Attributes: SE_PRIVILEGE_ENABLED }],
    };
    // SAFETY: `token` is open, and `privileges` holds as many entries as it says.
    let adjusted = unsafe { AdjustTokenPrivileges(token, false, Some(&raw const privileges), 0, None, None) };
    // SAFETY: `token` was opened above and is closed once.
    let closed = unsafe { CloseHandle(token) };
    adjusted.and(closed)
}
