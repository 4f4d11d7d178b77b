//! Where Windows says that it and its folders lie; an environment can say anything.
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::path::PathBuf;
use windows::Win32::System::Com::CoTaskMemFree;
use windows::Win32::System::SystemInformation::{GetSystemDirectoryW, GetSystemWindowsDirectoryW};
use windows::Win32::UI::Shell::{
    FOLDERID_ProgramData, FOLDERID_ProgramFiles, KF_FLAG_DEFAULT, SHGetKnownFolderPath,
};
use windows::core::GUID;

/// `C:\Windows\system32`.
pub fn system() -> Option<PathBuf> {
    // SAFETY: the call writes at most as much as the slice holds.
    path(|buffer| unsafe { GetSystemDirectoryW(Some(buffer)) })
}

/// `C:\Windows`, also in a terminal server's session.
pub fn windows() -> Option<PathBuf> {
    // SAFETY: the call writes at most as much as the slice holds.
    path(|buffer| unsafe { GetSystemWindowsDirectoryW(Some(buffer)) })
}

fn path(call: impl FnOnce(&mut [u16]) -> u32) -> Option<PathBuf> {
    let mut buffer = [0u16; 1024];
    let length = call(&mut buffer) as usize;
    // Where it does not fit, the length is that which it wants.
    let text = buffer.get(..length).filter(|text| !text.is_empty())?;
    Some(OsString::from_wide(text).into())
}

/// `C:\ProgramData`, wherever it is.
pub fn program_data() -> Option<PathBuf> {
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
