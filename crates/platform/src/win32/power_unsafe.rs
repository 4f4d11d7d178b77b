//! Ends or suspends the machine's run, with the right to do so switched on.
#![allow(unsafe_code)]

use super::privilege_unsafe::enable;
use windows::Win32::Security::SE_SHUTDOWN_NAME;
use windows::Win32::System::Power::{GetPwrCapabilities, SYSTEM_POWER_CAPABILITIES, SetSuspendState};
use windows::Win32::System::Shutdown::{
    EWX_FORCE, EWX_POWEROFF, EWX_REBOOT, EWX_SHUTDOWN, ExitWindowsEx, InitiateSystemShutdownExW,
    SHTDN_REASON_FLAG_PLANNED, SHTDN_REASON_MAJOR_OTHER, SHTDN_REASON_MINOR_OTHER, SHUTDOWN_REASON,
};
use windows::core::{Error, PCWSTR, Result, w};

/// Seconds until Windows begins: the answer leaves before.
const GRACE_SECS: u32 = 5;

/// For the system's records.
fn reason() -> SHUTDOWN_REASON {
    SHTDN_REASON_MAJOR_OTHER | SHTDN_REASON_MINOR_OTHER | SHTDN_REASON_FLAG_PLANNED
}

/// Queues the end of the machine's run. Programs that do not end by themselves are ended: nobody sits at this machine.
pub fn end_machine(reboot: bool) -> Result<()> {
    enable(SE_SHUTDOWN_NAME)?;
    // SAFETY: the machine's name is null for this one, and the message is a constant that ends with a NUL.
    unsafe {
        InitiateSystemShutdownExW(
            PCWSTR::null(),
            w!("The host asked InfiniService to shut down or restart this machine."),
            GRACE_SECS,
            true,
            reboot,
            reason(),
        )
    }
}

/// How the machine's run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Switched off.
    PowerOff,
    /// Stopped, with the power on.
    Halt,
    /// Started again.
    Reboot,
}

/// Begins the end of the machine's run at once. Programs that do not end by themselves are ended.
pub fn end_at_once(end: End) -> Result<()> {
    enable(SE_SHUTDOWN_NAME)?;
    let how = match end {
        End::PowerOff => EWX_POWEROFF,
        End::Halt => EWX_SHUTDOWN,
        End::Reboot => EWX_REBOOT,
    };
    // SAFETY: the call takes no pointers.
    unsafe { ExitWindowsEx(how | EWX_FORCE, reason()) }
}

/// How the machine can be suspended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suspends {
    /// To memory (S3).
    pub to_ram: bool,
    /// To disk (S4), with a file for it.
    pub to_disk: bool,
}

/// As the system tells it.
pub fn suspends() -> Suspends {
    let mut told = SYSTEM_POWER_CAPABILITIES::default();
    // SAFETY: the record is ours and outlives the call.
    let known = unsafe { GetPwrCapabilities(&raw mut told) };
    Suspends { to_ram: known && told.SystemS3, to_disk: known && told.SystemS4 && told.HiberFilePresent }
}

/// Suspends the machine; returns when it has woken up. Events that wake it stay allowed.
pub fn suspend(to_disk: bool) -> Result<()> {
    enable(SE_SHUTDOWN_NAME)?;
    // SAFETY: the call takes no pointers.
    let suspended = unsafe { SetSuspendState(to_disk, true, false) };
    if suspended { Ok(()) } else { Err(Error::from_thread()) }
}
