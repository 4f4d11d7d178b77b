//! Whose a file or directory is, asked of a handle: a name could mean another file a moment later.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::io::AsRawHandle as _;
use std::path::Path;
use windows::Win32::Foundation::{CloseHandle, HANDLE, HLOCAL, LocalFree};
use windows::Win32::Security::Authorization::{GetSecurityInfo, SE_FILE_OBJECT};
use windows::Win32::Security::{
    EqualSid, GetTokenInformation, IsWellKnownSid, OWNER_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID,
    TOKEN_QUERY, TOKEN_USER, TokenUser, WinBuiltinAdministratorsSid, WinLocalSystemSid,
};
use windows::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_SHARE_DELETE, FILE_SHARE_READ,
    FILE_SHARE_WRITE, READ_CONTROL,
};
use windows::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// A user's SID and its attributes: 68 bytes are the longest SID (`SECURITY_MAX_SID_SIZE`). Words, as it holds a pointer.
const TOKEN_USER_WORDS: usize = 16;

/// Whether Administrators, SYSTEM or the account that runs this own it.
pub(super) fn is_ours(path: &Path) -> io::Result<bool> {
    let file = open(path)?;
    let (mut owner, mut descriptor) = (PSID::default(), PSECURITY_DESCRIPTOR::default());
    // SAFETY: the handle is open; both results live through the call, and what it allocates is freed below.
    unsafe {
        GetSecurityInfo(
            HANDLE(file.as_raw_handle()),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            Some(&raw mut owner),
            None,
            None,
            None,
            Some(&raw mut descriptor),
        )
    }
    .ok()?;
    let ours = is_one_of_us(owner);
    // SAFETY: allocated by the system for its caller; `owner`, which points into it, is not used after this.
    unsafe { LocalFree(Some(HLOCAL(descriptor.0))) };
    ours
}

/// A link itself, not where it leads.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .access_mode(READ_CONTROL.0)
        .share_mode((FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE).0)
        .custom_flags((FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT).0)
        .open(path)
}

fn is_one_of_us(owner: PSID) -> io::Result<bool> {
    // SAFETY: the SID points into a descriptor that the caller keeps.
    let known = |kind| unsafe { IsWellKnownSid(owner, kind) }.as_bool();
    if known(WinBuiltinAdministratorsSid) || known(WinLocalSystemSid) {
        return Ok(true);
    }
    let mut buffer = [0_u64; TOKEN_USER_WORDS];
    let user = own_user(&mut buffer)?;
    // SAFETY: both SIDs live through the call: the caller's descriptor, and `buffer`.
    Ok(unsafe { EqualSid(owner, user) }.is_ok())
}

/// The account of this process; the SID is in `buffer`.
fn own_user(buffer: &mut [u64; TOKEN_USER_WORDS]) -> io::Result<PSID> {
    let mut token = HANDLE::default();
    // SAFETY: the pseudo-handle of this process is always valid, and the result lives through the call.
    unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) }?;
    let (mut length, size) = (0, size_of_val(buffer) as u32);
    // SAFETY: the buffer has the size that is told; the token is open, and closed here in any case.
    let asked = unsafe {
        let asked =
            GetTokenInformation(token, TokenUser, Some(buffer.as_mut_ptr().cast()), size, &raw mut length);
        CloseHandle(token).and(asked)
    };
    asked?;
    // SAFETY: the system wrote a TOKEN_USER at the buffer's beginning, which is aligned for it.
    Ok(unsafe { (*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid })
}
