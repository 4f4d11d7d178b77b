//! Job objects: what is in one cannot leave it, and ends with it. A program starts suspended, so that it is in one before it runs.
#![allow(unsafe_code)]

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use tokio::process::Child;
use windows::Win32::Foundation::HANDLE;
use windows::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_ACTIVE_PROCESS,
    JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION, JOB_OBJECT_LIMIT_JOB_MEMORY,
    JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOBOBJECT_BASIC_ACCOUNTING_INFORMATION,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectBasicAccountingInformation,
    JobObjectExtendedLimitInformation, QueryInformationJobObject, SetInformationJobObject,
    TerminateJobObject,
};
use windows::Win32::System::Threading::{OpenThread, ResumeThread, THREAD_SUSPEND_RESUME};
use windows::core::PCWSTR;

/// Exit code of what the agent ends by force: that of a program ended by Ctrl-C.
const ENDED: u32 = 0xC000_013A;

/// Processes of one command: a fork bomb stops there.
const PROCESSES_MAX: u32 = 512;

/// A job. Dropped, it ends all that is in it.
#[derive(Debug)]
pub struct Job(OwnedHandle);

impl Job {
    /// An empty one without a name, which nobody else can open, with room for so much memory.
    pub fn new(memory_max: Option<usize>) -> io::Result<Self> {
        // SAFETY: no attributes, no name; the handle that comes back is ours alone.
        let job = unsafe { OwnedHandle::from_raw_handle(CreateJobObjectW(None, PCWSTR::null())?.0) };
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags =
            JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
        limits.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_ACTIVE_PROCESS;
        limits.BasicLimitInformation.ActiveProcessLimit = PROCESSES_MAX;
        if let Some(bytes) = memory_max {
            limits.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_JOB_MEMORY;
            limits.JobMemoryLimit = bytes;
        }
        let size = size_of_val(&limits) as u32;
        // SAFETY: the record is of this class and of this size.
        unsafe {
            SetInformationJobObject(
                HANDLE(job.as_raw_handle()),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size,
            )?;
        }
        Ok(Self(job))
    }

    /// Puts a process into it, and with it all that it will start.
    pub fn adopt(&self, child: &Child) -> io::Result<()> {
        let process = child.raw_handle().ok_or(io::ErrorKind::NotFound)?;
        // SAFETY: both handles are open for the time of the call.
        Ok(unsafe { AssignProcessToJobObject(self.handle(), HANDLE(process)) }?)
    }

    /// Ends all that is in it.
    pub fn terminate(&self) {
        // SAFETY: the handle is open.
        let _ = unsafe { TerminateJobObject(self.handle(), ENDED) };
    }

    /// How many processes run in it.
    pub fn processes(&self) -> io::Result<u32> {
        let mut figures = JOBOBJECT_BASIC_ACCOUNTING_INFORMATION::default();
        let size = size_of_val(&figures) as u32;
        // SAFETY: the record is of this class and of this size.
        let asked = unsafe {
            QueryInformationJobObject(
                Some(self.handle()),
                JobObjectBasicAccountingInformation,
                (&raw mut figures).cast(),
                size,
                None,
            )
        };
        Ok(asked.map(|()| figures.ActiveProcesses)?)
    }

    fn handle(&self) -> HANDLE {
        HANDLE(self.0.as_raw_handle())
    }
}

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
