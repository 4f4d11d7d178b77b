//! The accounts of this machine's own database: `NetUserEnum`, and `NetUserGetInfo` for who each is. And the
//! profiles of people: the keys of `ProfileList` name them, `DeleteProfileW` removes one with its files.
#![allow(unsafe_code)]

use super::codes;
use super::descriptor::Sid;
use super::wide::wide;
use windows::Win32::Foundation::ERROR_MORE_DATA;
use windows::Win32::NetworkManagement::NetManagement::{
    FILTER_NORMAL_ACCOUNT, NetApiBufferFree, NetUserEnum, NetUserGetInfo, NetUserSetInfo, UF_ACCOUNTDISABLE,
    UF_LOCKOUT, USER_ACCOUNT_FLAGS, USER_INFO_2, USER_INFO_23, USER_INFO_1003, USER_PRIV_ADMIN,
};
use windows::Win32::Security::GetLengthSid;
use windows::Win32::UI::Shell::DeleteProfileW;
use windows::core::{PCWSTR, PWSTR};
use windows_registry::LOCAL_MACHINE;

/// Most accounts asked for.
const MAX_USERS: usize = 10_000;
/// One answer of the system, in bytes.
const PAGE_BYTES: u32 = 256 << 10;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Name for people, perhaps empty.
    pub full_name: String,
    /// Who it is; `None` where the system does not tell.
    pub sid: Option<Sid>,
    /// Whether it is one of the administrators.
    pub is_administrator: bool,
    /// Whether nobody has switched it off.
    pub is_enabled: bool,
    /// Whether too many wrong passwords have locked it.
    pub is_locked_out: bool,
}

/// What the network management functions allocated.
struct Allocated<T>(*mut T);

impl<T> Drop for Allocated<T> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: it came from a function that allocates for its caller, and is not used after this.
            unsafe { NetApiBufferFree(Some(self.0.cast_const().cast())) };
        }
    }
}

/// The local accounts of people, as far as they are at most ten thousand.
///
/// # Errors
/// The code of `NetUserEnum`.
pub fn users() -> Result<Vec<User>, u32> {
    let (mut all, mut resume) = (Vec::new(), 0);
    loop {
        let mut page = Allocated::<USER_INFO_2>(std::ptr::null_mut());
        let (mut read, mut total) = (0, 0);
        // SAFETY: this machine is meant, and the places for the answers live through the call; `page` frees what it allocates.
        let code = unsafe {
            NetUserEnum(
                PCWSTR::null(),
                2,
                FILTER_NORMAL_ACCOUNT,
                (&raw mut page.0).cast(),
                PAGE_BYTES,
                &raw mut read,
                &raw mut total,
                Some(&raw mut resume),
            )
        };
        if code != 0 && code != ERROR_MORE_DATA.0 {
            return Err(code);
        }
        if !page.0.is_null() {
            // SAFETY: at level 2 the page begins with as many records as were read, and lives until it is dropped.
            let records = unsafe { std::slice::from_raw_parts(page.0, read as usize) };
            all.extend(records.iter().map(user));
        }
        if code == 0 || read == 0 || all.len() >= MAX_USERS {
            return Ok(all);
        }
    }
}

fn user(record: &USER_INFO_2) -> User {
    let name = text(record.usri2_name);
    let is = |flag: USER_ACCOUNT_FLAGS| record.usri2_flags.0 & flag.0 != 0;
    User {
        full_name: text(record.usri2_full_name),
        sid: sid(&name),
        is_administrator: record.usri2_priv == USER_PRIV_ADMIN,
        is_enabled: !is(UF_ACCOUNTDISABLE),
        is_locked_out: is(UF_LOCKOUT),
        name,
    }
}

fn text(text: PWSTR) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the system's text, which ends with a zero, in a page that still lives.
    String::from_utf16_lossy(unsafe { text.as_wide() })
}

fn sid(name: &str) -> Option<Sid> {
    let name = wide(name);
    let mut info = Allocated::<USER_INFO_23>(std::ptr::null_mut());
    // SAFETY: the name ends with a zero and lives through the call, as the place for the answer does; `info` frees it.
    let code = unsafe { NetUserGetInfo(PCWSTR::null(), PCWSTR(name.as_ptr()), 23, (&raw mut info.0).cast()) };
    if code != 0 || info.0.is_null() {
        return None;
    }
    // SAFETY: at level 23 the answer is one such record; its SID, if it has one, is in the same allocation.
    let bytes = unsafe {
        let sid = (*info.0).usri23_user_sid;
        if sid.is_invalid() {
            return None;
        }
        std::slice::from_raw_parts(sid.0.cast::<u8>(), GetLengthSid(sid) as usize)
    };
    Sid::parse(bytes)
}

/// Sets the password of a local account, by the system's rules.
///
/// # Errors
/// The code of `NetUserSetInfo`.
pub fn set_password(name: &str, password: &str) -> Result<(), u32> {
    let (name, mut password) = (wide(name), wide(password));
    let info = USER_INFO_1003 { usri1003_password: PWSTR(password.as_mut_ptr()) };
    // SAFETY: both texts end with a zero, and outlive the call as the record does; level 1003 is such a record.
    let code = unsafe {
        let record = (&raw const info).cast();
        NetUserSetInfo(PCWSTR::null(), PCWSTR(name.as_ptr()), 1003, record, None)
    };
    // It is not to be found in freed memory.
    password.fill(0);
    std::hint::black_box(&password);
    if code == 0 { Ok(()) } else { Err(code) }
}

const LIST: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
/// Accounts of machines and domains; those of services and of the system begin otherwise, and have special profiles.
const PEOPLE: &str = "S-1-5-21-";
/// More than any machine has.
const PROFILES_MAX: usize = 10_000;

/// Removes the profiles of people, each with its files; how many there were.
///
/// # Errors
/// The list cannot be read, or a profile is in use or cannot be removed; those before it are gone.
pub fn remove_profiles() -> Result<usize, String> {
    let key = LOCAL_MACHINE.open(LIST).map_err(|error| format!("{LIST}: {error}"))?;
    let names = key.keys().map_err(|error| format!("{LIST}: {error}"))?;
    let people: Vec<String> = names.filter(|name| name.starts_with(PEOPLE)).take(PROFILES_MAX).collect();
    for sid in &people {
        remove_profile(sid)?;
    }
    Ok(people.len())
}

fn remove_profile(sid: &str) -> Result<(), String> {
    let text = wide(sid);
    // SAFETY: the text ends with a zero and lives through the call; the profile's path and this machine are the defaults.
    let removed = unsafe { DeleteProfileW(PCWSTR(text.as_ptr()), PCWSTR::null(), PCWSTR::null()) };
    removed.map_err(|error| {
        let code = (error.code().0.cast_unsigned()) & 0xFFFF;
        format!("the profile of {sid} could not be removed: {}", codes::explain(code))
    })
}
