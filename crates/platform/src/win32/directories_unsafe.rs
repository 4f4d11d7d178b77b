//! Where Windows says that it and its folders lie; an environment can say anything.
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::path::PathBuf;
use windows::Win32::Foundation::HANDLE;
use windows::Win32::System::Com::CoTaskMemFree;
use windows::Win32::System::SystemInformation::{GetSystemDirectoryW, GetSystemWindowsDirectoryW};
use windows::core::{GUID, PWSTR};

use shell::SHGetKnownFolderPath;

mod shell {
    use windows::Win32::Foundation::HANDLE;
    use windows::core::{GUID, HRESULT, PWSTR};

    // Declared here: with the crate's feature for it, `Win32_UI_Shell`, that takes half as long again to build.
    windows::core::link!("shell32.dll" "system" fn SHGetKnownFolderPath(folder: *const GUID, flags: u32, token: HANDLE, path: *mut PWSTR) -> HRESULT);
}

/// `FOLDERID_ProgramData` and `FOLDERID_ProgramFiles` of `KnownFolders.h`.
const PROGRAM_DATA: GUID = GUID::from_u128(0x62ab_5d82_fdc1_4dc3_a9dd_070d_1d49_5d97);
const PROGRAM_FILES: GUID = GUID::from_u128(0x905e_63b6_c1bf_494e_b29c_65b7_32d3_d21a);
/// `KF_FLAG_DEFAULT`.
const DEFAULT: u32 = 0;

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
    known(&PROGRAM_DATA)
}

/// `C:\Program Files`, wherever it is.
pub fn program_files() -> Option<PathBuf> {
    known(&PROGRAM_FILES)
}

fn known(folder: &GUID) -> Option<PathBuf> {
    let mut path = PWSTR::null();
    // SAFETY: the identifier and the place of the result outlive the call; no token means this process's own user.
    unsafe { SHGetKnownFolderPath(folder, DEFAULT, HANDLE::default(), &raw mut path) }.ok().ok()?;
    // SAFETY: a text that ends with a null, by the function's contract, and is not changed while it is read.
    let text = unsafe { path.to_string() };
    // SAFETY: allocated by the call above for its caller, and not used after this.
    unsafe { CoTaskMemFree(Some(path.as_ptr().cast())) };
    text.ok().map(PathBuf::from)
}
