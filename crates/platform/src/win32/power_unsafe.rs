//! Ends the machine's run: `InitiateSystemShutdownExW`, with the right to do so switched on.
#![allow(unsafe_code)]

use windows::Win32::Foundation::{CloseHandle, HANDLE, LUID};
use windows::Win32::Security::{
    AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_PRIVILEGE_ENABLED,
    SE_SHUTDOWN_NAME, TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES, TOKEN_QUERY,
};
use windows::Win32::System::Shutdown::{
    InitiateSystemShutdownExW, SHTDN_REASON_FLAG_PLANNED, SHTDN_REASON_MAJOR_OTHER, SHTDN_REASON_MINOR_OTHER,
};
use windows::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
use windows::core::{PCWSTR, Result, w};

/// Seconds until Windows begins: the answer leaves before.
const GRACE_SECS: u32 = 5;

/// Queues the end of the machine's run. Programs that do not end by themselves are ended: nobody sits at this machine.
pub fn end_machine(reboot: bool) -> Result<()> {
    allow()?;
    let reason = SHTDN_REASON_MAJOR_OTHER | SHTDN_REASON_MINOR_OTHER | SHTDN_REASON_FLAG_PLANNED;
    // SAFETY: the machine's name is null for this one, and the message is a constant that ends with a NUL.
    unsafe {
        InitiateSystemShutdownExW(
            PCWSTR::null(),
            w!("The host asked InfiniService to shut down or restart this machine."),
            GRACE_SECS,
            true,
            reboot,
            reason,
        )
    }
}

/// The right is there for SYSTEM, but off until it is asked for.
fn allow() -> Result<()> {
    let mut luid = LUID::default();
    // SAFETY: the names are constants, and `luid` is a place for the answer.
    unsafe { LookupPrivilegeValueW(PCWSTR::null(), SE_SHUTDOWN_NAME, &raw mut luid)? };
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
