//! Lets a process go that was started suspended.
#![allow(unsafe_code)]

use std::io;
use std::os::windows::io::{FromRawHandle, OwnedHandle};
use windows::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows::Win32::System::Threading::{OpenThread, ResumeThread, THREAD_SUSPEND_RESUME};

/// Resumes the threads of a process of which nothing has run yet: it has one.
pub fn resume(pid: u32) -> io::Result<()> {
    let mut resumed = false;
    for thread in threads(pid)? {
        // SAFETY: only this right is asked for; the handle that comes back is closed with `owner`.
        let handle = unsafe { OpenThread(THREAD_SUSPEND_RESUME, false, thread) }?;
        // SAFETY: the handle was just opened, and nobody else has it.
        let _owner = unsafe { OwnedHandle::from_raw_handle(handle.0) };
        // SAFETY: the handle is open and has this right.
        if unsafe { ResumeThread(handle) } == u32::MAX {
            return Err(io::Error::last_os_error());
        }
        resumed = true;
    }
    if resumed { Ok(()) } else { Err(io::Error::other("its initial thread was not found")) }
}

fn threads(pid: u32) -> io::Result<Vec<u32>> {
    // SAFETY: a snapshot of all threads; the handle that comes back is closed with `_owner`.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) }?;
    // SAFETY: the handle was just made, and nobody else has it.
    let _owner = unsafe { OwnedHandle::from_raw_handle(snapshot.0) };
    let mut entry = THREADENTRY32 { dwSize: size_of::<THREADENTRY32>() as u32, ..THREADENTRY32::default() };
    let mut found = Vec::new();
    // SAFETY: the record says its own size.
    let mut more = unsafe { Thread32First(snapshot, &raw mut entry) }.is_ok();
    while more {
        if entry.th32OwnerProcessID == pid {
            found.push(entry.th32ThreadID);
        }
        // SAFETY: as before.
        more = unsafe { Thread32Next(snapshot, &raw mut entry) }.is_ok();
    }
    Ok(found)
}
