//! Where Windows itself lies, whatever the environment says.
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::path::PathBuf;
use windows::Win32::System::SystemInformation::{GetSystemDirectoryW, GetSystemWindowsDirectoryW};

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
