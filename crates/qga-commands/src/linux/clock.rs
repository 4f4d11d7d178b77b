//! The system's clock and the hardware's.

use super::tree::{Files, system};
use crate::work::failed;
use infiniservice_platform::hardware_clock_unsafe;
use infiniservice_qga::linux::answer;
use infiniservice_qga::{Error, Reply, Request};
use rustix::time::{ClockId, Timespec, clock_gettime, clock_settime};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;

const DEVICE: &str = "/dev/rtc0";
const SECOND_NS: i64 = 1_000_000_000;

/// `guest-set-time`: with a time the system's clock, and from it the hardware's; without one the other way round. A machine
/// without such hardware has only the system's.
pub fn set(time: Option<i64>) -> Result<Reply, Error> {
    let device = match File::open(DEVICE) {
        Ok(device) => Some(device),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(format!("failed to open '{DEVICE}'"), &error)),
    };
    match (time, device) {
        (Some(time), device) => {
            set_system(time)?;
            device.map_or(Ok(()), |device| to_hardware(&device))?;
        }
        (None, Some(device)) => from_hardware(&device)?,
        (None, None) => {}
    }
    Ok(Reply::EMPTY)
}

fn set_system(time: i64) -> Result<(), Error> {
    let time = Timespec { tv_sec: time.div_euclid(SECOND_NS), tv_nsec: time.rem_euclid(SECOND_NS) };
    let set = clock_settime(ClockId::Realtime, time);
    set.map_err(|error| failed("Failed to set time to guest", &error.into()))
}

fn to_hardware(device: &File) -> Result<(), Error> {
    let now = clock_gettime(ClockId::Realtime).tv_sec;
    let set = hardware_clock_unsafe::set(device.as_fd(), now + offset());
    set.map_err(|error| failed("Failed to set hardware clock to system time", &error))
}

fn from_hardware(device: &File) -> Result<(), Error> {
    let read = hardware_clock_unsafe::read(device.as_fd());
    let seconds = read.map_err(|error| failed("Failed to read hardware clock", &error))?;
    set_system((seconds - offset()).saturating_mul(SECOND_NS))
}

/// How much the hardware's clock is ahead of UTC: it shows local time where the third line of adjtime(5) says so.
fn offset() -> i64 {
    let adjtime = fs::read_to_string("/etc/adjtime").unwrap_or_default();
    if adjtime.lines().nth(2).map(str::trim) != Some("LOCAL") {
        return 0;
    }
    match answer(&Request::GetTimezone, &Files::of_this_machine(), &system()) {
        Some(Ok(Reply::Timezone(zone))) => zone.offset,
        _ => 0,
    }
}
