//! A child that does not outlive its parent, by a job object; unsafe, as calls of Windows are.
#![allow(unsafe_code)]

use std::io;
use tokio::process::Child;
use windows::Win32::Foundation::HANDLE;
use windows::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
};

/// Puts the child into a job that ends when its last handle is closed, which is when this process ends, however it
/// does: the handle is kept open on purpose.
pub(super) fn end_with_this_process(child: &Child) -> io::Result<()> {
    let Some(process) = child.raw_handle() else { return Ok(()) };
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    let size = u32::try_from(size_of_val(&limits)).unwrap_or(u32::MAX);
    // SAFETY: the structure outlives the call and is as long as is said; both handles are open.
    unsafe {
        let job = CreateJobObjectW(None, None)?;
        SetInformationJobObject(job, JobObjectExtendedLimitInformation, (&raw const limits).cast(), size)?;
        AssignProcessToJobObject(job, HANDLE(process))?;
    }
    Ok(())
}
