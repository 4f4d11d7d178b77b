//! The system's clock and its time zone.
#![allow(unsafe_code)]

use super::privilege_unsafe::enable;
use super::wide::narrow;
use std::io;
use windows::Win32::Foundation::{FILETIME, SYSTEMTIME};
use windows::Win32::Security::SE_SYSTEMTIME_NAME;
use windows::Win32::System::SystemInformation::SetSystemTime;
use windows::Win32::System::Time::{FileTimeToSystemTime, GetTimeZoneInformation, TIME_ZONE_INFORMATION};

/// `TIME_ZONE_ID_DAYLIGHT` and `TIME_ZONE_ID_INVALID` (`winnt.h`, `winbase.h`).
const DAYLIGHT: u32 = 2;
const INVALID: u32 = u32::MAX;

/// Sets the clock, in steps of 100 ns since 1601, UTC. The system sets that of the hardware by it, and keeps milliseconds.
pub fn set(time: u64) -> io::Result<()> {
    enable(SE_SYSTEMTIME_NAME)?;
    let time = FILETIME { dwLowDateTime: time as u32, dwHighDateTime: (time >> 32) as u32 };
    let mut parts = SYSTEMTIME::default();
    // SAFETY: both records are ours and outlive the call.
    unsafe { FileTimeToSystemTime(&raw const time, &raw mut parts) }?;
    // SAFETY: the record is ours and outlives the call.
    Ok(unsafe { SetSystemTime(&raw const parts) }?)
}

/// The zone as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// Standard or daylight name, in the system's language.
    pub name: String,
    /// Minutes from local time to UTC.
    pub bias_minutes: i64,
}

/// Read anew each time: a person can change it.
pub fn zone() -> io::Result<Zone> {
    let mut told = TIME_ZONE_INFORMATION::default();
    // SAFETY: the record is ours and outlives the call.
    let now = unsafe { GetTimeZoneInformation(&raw mut told) };
    if now == INVALID {
        return Err(io::Error::last_os_error());
    }
    let (name, more) = match now {
        DAYLIGHT => (&told.DaylightName, told.DaylightBias),
        _ => (&told.StandardName, told.StandardBias),
    };
    Ok(Zone { name: narrow(name), bias_minutes: i64::from(told.Bias) + i64::from(more) })
}
