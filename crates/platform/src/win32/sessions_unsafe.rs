//! Who is logged in, at the console or from afar: the sessions of `wtsapi32`.
#![allow(unsafe_code)]

use super::wide::narrow;
use std::io;
use windows::Win32::System::RemoteDesktop::{
    WTS_SESSION_INFOW, WTSEnumerateSessionsW, WTSFreeMemory, WTSINFOW, WTSQuerySessionInformationW,
    WTSSessionInfo,
};
use windows::core::PWSTR;

/// Sessions that are looked at.
const MAX_SESSIONS: usize = 10_000;

/// A session of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Login name.
    pub user: String,
    /// Machine or domain that knows the name.
    pub domain: String,
    /// Since when, in steps of 100 ns since 1601.
    pub since: u64,
}

/// What the library allocated.
struct Allocated<T>(*mut T);

impl<T> Drop for Allocated<T> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: it came from a function that allocates for its caller, and is not used after this.
            unsafe { WTSFreeMemory(self.0.cast()) };
        }
    }
}

/// All that belong to somebody, connected or not.
pub fn sessions() -> io::Result<Vec<Session>> {
    let (mut list, mut count) = (Allocated::<WTS_SESSION_INFOW>(std::ptr::null_mut()), 0);
    // SAFETY: this machine is meant, and the places for the answers live through the call; `list` frees what it allocates.
    unsafe { WTSEnumerateSessionsW(None, 0, 1, &raw mut list.0, &raw mut count) }?;
    if list.0.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the list has as many records as were counted, and lives until it is dropped.
    let all = unsafe { std::slice::from_raw_parts(list.0, count as usize) };
    Ok(all.iter().take(MAX_SESSIONS).filter_map(|one| session(one.SessionId)).collect())
}

/// `None`: it is nobody's, or is over by now.
fn session(id: u32) -> Option<Session> {
    let (mut told, mut bytes) = (Allocated::<WTSINFOW>(std::ptr::null_mut()), 0);
    let place = (&raw mut told.0).cast::<PWSTR>();
    // SAFETY: the places for the answers live through the call; `told` frees what it allocates.
    unsafe { WTSQuerySessionInformationW(None, id, WTSSessionInfo, place, &raw mut bytes) }.ok()?;
    if told.0.is_null() || (bytes as usize) < size_of::<WTSINFOW>() {
        return None;
    }
    // SAFETY: the answer is at least one such record, by its length.
    let told = unsafe { &*told.0 };
    let (user, domain) = (narrow(&told.UserName), narrow(&told.Domain));
    (!user.is_empty()).then(|| Session {
        user,
        domain,
        since: u64::try_from(told.LogonTime).unwrap_or_default(),
    })
}
