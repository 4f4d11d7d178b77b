//! The hardware's clock, by rtc(4). It holds a date and no zone.
#![allow(unsafe_code)]

use rustix::fd::BorrowedFd;
use rustix::ioctl::{Getter, Opcode, Setter, ioctl, opcode};
use std::io;

/// `RTC_RD_TIME`.
const READ: Opcode = opcode::read::<Date>(b'p', 0x09);
/// `RTC_SET_TIME`.
const SET: Opcode = opcode::write::<Date>(b'p', 0x0a);

const DAY_SECONDS: i64 = 86_400;

/// `struct rtc_time`: months from 0, years from 1900; the last three mean nothing to the driver.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Date {
    second: i32,
    minute: i32,
    hour: i32,
    day: i32,
    month: i32,
    year: i32,
    week_day: i32,
    year_day: i32,
    is_summer: i32,
}

/// Seconds from 1970 to the date that the clock shows, taken for UTC.
///
/// # Errors
/// The device's.
pub fn read(device: BorrowedFd<'_>) -> io::Result<i64> {
    // SAFETY: the structure is the kernel's, which fills it.
    let date = unsafe { ioctl(device, Getter::<READ, Date>::new()) }?;
    Ok(date.seconds())
}

/// Sets it to so many seconds after the beginning of 1970. It needs `CAP_SYS_TIME`.
///
/// # Errors
/// The device's.
pub fn set(device: BorrowedFd<'_>, seconds: i64) -> io::Result<()> {
    // SAFETY: the structure is the kernel's, which reads it.
    Ok(unsafe { ioctl(device, Setter::<SET, Date>::new(Date::of(seconds))) }?)
}

impl Date {
    /// Years begin with March here, so that a leap day ends one; 719,468 days lie between 1 March of the year 0 and 1970.
    fn of(seconds: i64) -> Self {
        let (days, rest) = (seconds.div_euclid(DAY_SECONDS) + 719_468, seconds.rem_euclid(DAY_SECONDS));
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day = day_of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let is_next_year = i64::from(month >= 10);
        Self {
            second: (rest % 60) as i32,
            minute: (rest / 60 % 60) as i32,
            hour: (rest / 3600) as i32,
            day: (day - (153 * month + 2) / 5 + 1) as i32,
            month: ((month + 2) % 12) as i32,
            year: (year + era * 400 + is_next_year - 1900) as i32,
            ..Self::default()
        }
    }

    fn seconds(&self) -> i64 {
        let month = i64::from(self.month);
        let year = i64::from(self.year) + 1900 - i64::from(month < 2);
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_year = (153 * ((month + 10) % 12) + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        let (hour, minute) = (i64::from(self.hour), i64::from(self.minute));
        days * DAY_SECONDS + hour * 3600 + minute * 60 + i64::from(self.second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_seconds_are_the_same_moments() {
        let of = |seconds| {
            let date = Date::of(seconds);
            (date.year + 1900, date.month + 1, date.day, date.hour, date.minute, date.second)
        };
        assert_eq!(of(0), (1970, 1, 1, 0, 0, 0));
        assert_eq!(of(951_782_399), (2000, 2, 28, 23, 59, 59));
        assert_eq!(of(951_782_400), (2000, 2, 29, 0, 0, 0));
        assert_eq!(of(1_795_896_389), (2026, 11, 28, 20, 6, 29));
        for day in 0..40_000 {
            let seconds = day * DAY_SECONDS + 12_345;
            assert_eq!(Date::of(seconds).seconds(), seconds);
        }
    }
}
