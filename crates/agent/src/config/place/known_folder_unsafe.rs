//! Where the system itself says that its folders are; an environment can say anything.
#![allow(unsafe_code)]

use std::path::PathBuf;
use windows::Win32::System::Com::CoTaskMemFree;
use windows::Win32::UI::Shell::{
    FOLDERID_ProgramData, FOLDERID_ProgramFiles, KF_FLAG_DEFAULT, SHGetKnownFolderPath,
};
use windows::core::GUID;

/// `C:\ProgramData`, wherever it is.
pub(super) fn program_data() -> Option<PathBuf> {
    known(&FOLDERID_ProgramData)
}

/// `C:\Program Files`, wherever it is.
pub fn program_files() -> Option<PathBuf> {
    known(&FOLDERID_ProgramFiles)
}

fn known(folder: &GUID) -> Option<PathBuf> {
    // SAFETY: the identifier lives for ever; no token means this process's own.
    let path = unsafe { SHGetKnownFolderPath(folder, KF_FLAG_DEFAULT, None) }.ok()?;
    // SAFETY: a text that ends with a null, by the function's contract, and is not changed while it is read.
    let text = unsafe { path.to_string() };
    // SAFETY: allocated by the call above for its caller, and not used after this.
    unsafe { CoTaskMemFree(Some(path.as_ptr().cast())) };
    text.ok().map(PathBuf::from)
}
