//! Where the system itself says that its folders are; an environment can say anything.
#![allow(unsafe_code)]

use std::path::PathBuf;
use windows::Win32::System::Com::CoTaskMemFree;
use windows::Win32::UI::Shell::{FOLDERID_ProgramData, KF_FLAG_DEFAULT, SHGetKnownFolderPath};

/// `C:\ProgramData`, wherever it is.
pub(super) fn program_data() -> Option<PathBuf> {
    // SAFETY: the identifier lives for ever; no token means this process's own.
    let path = unsafe { SHGetKnownFolderPath(&FOLDERID_ProgramData, KF_FLAG_DEFAULT, None) }.ok()?;
    // SAFETY: a text that ends with a null, by the function's contract, and is not changed while it is read.
    let text = unsafe { path.to_string() };
    // SAFETY: allocated by the call above for its caller, and not used after this.
    unsafe { CoTaskMemFree(Some(path.as_ptr().cast())) };
    text.ok().map(PathBuf::from)
}
