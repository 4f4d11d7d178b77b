//! One process by an open handle: as long as it is open, its number cannot come to mean another process. And as whom it runs.
#![allow(unsafe_code)]

use super::wide::narrow;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::time::Duration;
use windows::Wdk::System::Threading::{
    NtQueryInformationProcess, PROCESSINFOCLASS, ProcessBreakOnTermination,
};
use windows::Win32::Foundation::{FILETIME, HANDLE, HWND, LPARAM, WAIT_OBJECT_0, WPARAM};
use windows::Win32::Security::{
    GetLengthSid, GetTokenInformation, LookupAccountSidW, PSID, SID_NAME_USE, TOKEN_QUERY, TOKEN_USER,
    TokenUser,
};
use windows::Win32::System::Threading::{
    GetCurrentProcess, GetProcessTimes, OpenProcess, OpenProcessToken, PROCESS_ACCESS_RIGHTS,
    PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, PROCESS_TERMINATE,
    QueryFullProcessImageNameW, TerminateProcess, WaitForSingleObject,
};
use windows::Win32::UI::WindowsAndMessaging::{
    EnumWindows, GetWindowThreadProcessId, PostMessageW, WM_CLOSE,
};
use windows::core::{BOOL, PCWSTR, PWSTR};

/// Longest path, in UTF-16 units.
const MAX_PATH_UNITS: usize = 32_768;
/// `ProcessCommandLineInformation`, since Windows 8.1.
const COMMAND_LINE: PROCESSINFOCLASS = PROCESSINFOCLASS(60);

/// An open process.
#[derive(Debug)]
pub struct Process(OwnedHandle);

impl Process {
    /// For looking at it.
    pub fn open(pid: u32) -> io::Result<Self> {
        Self::with(pid, PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE)
    }

    /// For ending it too.
    pub fn open_to_end(pid: u32) -> io::Result<Self> {
        Self::with(pid, PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE | PROCESS_TERMINATE)
    }

    /// For looking at it, where not even waiting for it is allowed.
    pub fn peek(pid: u32) -> io::Result<Self> {
        Self::with(pid, PROCESS_QUERY_LIMITED_INFORMATION)
    }

    fn with(pid: u32, rights: PROCESS_ACCESS_RIGHTS) -> io::Result<Self> {
        // SAFETY: the handle is not inherited, and it is ours alone.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(OpenProcess(rights, false, pid)?.0) }))
    }

    /// The raw handle, for the time of a call.
    pub fn handle(&self) -> HANDLE {
        HANDLE(self.0.as_raw_handle())
    }

    /// The path of its program.
    pub fn image(&self) -> Option<String> {
        let mut buffer = vec![0u16; MAX_PATH_UNITS];
        let mut length = buffer.len() as u32;
        // SAFETY: the buffer is as long as it is said to be.
        let asked = unsafe {
            QueryFullProcessImageNameW(
                self.handle(),
                PROCESS_NAME_WIN32,
                PWSTR(buffer.as_mut_ptr()),
                &raw mut length,
            )
        };
        asked.ok().and_then(|()| buffer.get(..length as usize)).map(narrow)
    }

    /// Its command line as it was given.
    pub fn command_line(&self) -> Option<String> {
        let mut buffer = vec![0u64; (MAX_PATH_UNITS * 2 + 64) / 8];
        let (size, mut written) = ((buffer.len() * 8) as u32, 0u32);
        // SAFETY: the buffer is as long as it is said to be.
        let status = unsafe {
            NtQueryInformationProcess(
                self.handle(),
                COMMAND_LINE,
                buffer.as_mut_ptr().cast(),
                size,
                &raw mut written,
            )
        };
        if status.is_err() {
            return None;
        }
        // SAFETY: any bytes are valid as bytes.
        let bytes = unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), size as usize) };
        // A UNICODE_STRING: a length in bytes, a capacity, and a pointer to the text, which follows it.
        let length = usize::from(u16::from_le_bytes([*bytes.first()?, *bytes.get(1)?]));
        let text = bytes.get(16..16 + length)?;
        let units: Vec<u16> = text.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        Some(narrow(&units)).filter(|text| !text.trim().is_empty())
    }

    /// When it was created, in units of 100 ns since 1601.
    pub fn created(&self) -> Option<u64> {
        let mut times = [FILETIME::default(); 4];
        let [created, ended, kernel, user] = &mut times;
        // SAFETY: the four records are ours and outlive the call.
        unsafe { GetProcessTimes(self.handle(), created, ended, kernel, user) }.ok()?;
        Some(u64::from(created.dwHighDateTime) << 32 | u64::from(created.dwLowDateTime))
    }

    /// Whether Windows stops when it ends.
    pub fn is_critical(&self) -> bool {
        let mut critical = 0u32;
        // SAFETY: this class writes one integer of 32 bits.
        let status = unsafe {
            NtQueryInformationProcess(
                self.handle(),
                ProcessBreakOnTermination,
                (&raw mut critical).cast(),
                size_of::<u32>() as u32,
                std::ptr::null_mut(),
            )
        };
        status.is_ok() && critical != 0
    }

    /// Whether it ended within `limit`. Blocks.
    pub fn wait(&self, limit: Duration) -> bool {
        let limit = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX - 1);
        // SAFETY: the handle is open and may be waited for.
        unsafe { WaitForSingleObject(self.handle(), limit) == WAIT_OBJECT_0 }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    /// Ends it at once, without a word to it.
    pub fn terminate(&self) -> io::Result<()> {
        // SAFETY: the handle is open; a handle without the right is refused.
        Ok(unsafe { TerminateProcess(self.handle(), 1) }?)
    }
}

/// Ends the agent's own process at once, without what `ExitProcess` does: that ends the other threads where they stand and then
/// calls each library, which waits for ever for a lock that one of these threads held, say in its first call to the service
/// control manager. Whoever calls this has written what is to be written.
pub fn end_own(code: u8) -> ! {
    // SAFETY: the pseudo-handle of the own process needs no closing, and has every right.
    let refused = unsafe { TerminateProcess(GetCurrentProcess(), code.into()) };
    log::error!("TerminateProcess was refused: {refused:?}");
    std::process::exit(code.into())
}

/// Asks each window of a process on the agent's own desktop to close; how many there are.
pub fn close_windows(pid: u32) -> u32 {
    struct Asked {
        pid: u32,
        windows: u32,
    }
    unsafe extern "system" fn each(window: HWND, asked: LPARAM) -> BOOL {
        // SAFETY: `asked` is the record below, which outlives the enumeration.
        let asked = unsafe { &mut *(asked.0 as *mut Asked) };
        let mut owner = 0;
        // SAFETY: the window may be gone by now; then the call gives 0 and writes nothing.
        unsafe { GetWindowThreadProcessId(window, Some(&raw mut owner)) };
        // SAFETY: a message without pointers.
        if owner == asked.pid && unsafe { PostMessageW(Some(window), WM_CLOSE, WPARAM(0), LPARAM(0)) }.is_ok()
        {
            asked.windows += 1;
        }
        true.into()
    }
    let mut asked = Asked { pid, windows: 0 };
    // SAFETY: the record outlives the call, which returns only after the last window.
    let _ = unsafe { EnumWindows(Some(each), LPARAM((&raw mut asked) as isize)) };
    asked.windows
}

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
pub fn account_name(sid: &Sid) -> Option<String> {
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
