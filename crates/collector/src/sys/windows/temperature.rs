//! The temperature by ACPI's thermal zones, asked by WMI in the background: WMI is slow, and no collection waits for it.

use infiniservice_platform::win32::com_unsafe::{Wmi, in_background};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// An answer older than this is none.
const FRESH: Duration = Duration::from_secs(300);
/// Between two questions.
const PAUSE: Duration = Duration::from_secs(25);
/// Of a zone that measures something, in degrees Celsius.
const PLAUSIBLE: std::ops::Range<f64> = 1.0..150.0;

type Answer = windows::core::Result<Option<f64>>;

/// Asks again and again, until the machine says that it has no such thing: most virtual machines have none.
#[derive(Debug, Default)]
pub struct Thermometer {
    /// The answer that is waited for. One that hangs is the last.
    pending: Option<Receiver<Answer>>,
    asked_at: Option<Instant>,
    told: Option<(Instant, f64)>,
    given_up: bool,
}

impl Thermometer {
    /// The latest answer, in degrees Celsius. Never blocks.
    pub fn read(&mut self) -> Option<f64> {
        self.take_answer();
        let due = self.asked_at.is_none_or(|at| at.elapsed() >= PAUSE);
        if due && self.pending.is_none() && !self.given_up {
            self.asked_at = Some(Instant::now());
            self.pending = in_background("temperature", ask);
        }
        self.told.filter(|(at, _)| at.elapsed() < FRESH).map(|(_, celsius)| celsius)
    }

    fn take_answer(&mut self) {
        let Some(pending) = &self.pending else { return };
        match pending.try_recv() {
            Err(TryRecvError::Empty) => return,
            Ok(Ok(Some(celsius))) => self.told = Some((Instant::now(), celsius)),
            Ok(Ok(None) | Err(_)) | Err(TryRecvError::Disconnected) => self.given_up = true,
        }
        self.pending = None;
    }
}

fn ask() -> Answer {
    let zones = Wmi::connect(r"root\wmi")?.all("MSAcpi_ThermalZoneTemperature", &["CurrentTemperature"])?;
    let hottest = zones.iter().filter_map(|zone| celsius(zone.number("CurrentTemperature")?));
    Ok(hottest.max_by(f64::total_cmp))
}

/// Of tenths of a kelvin.
fn celsius(tenths: u64) -> Option<f64> {
    let celsius = (tenths as f64 / 10.0 - 273.15).round();
    PLAUSIBLE.contains(&celsius).then_some(celsius)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_of_a_kelvin_are_told_in_celsius_and_nonsense_is_left_out() {
        assert_eq!(celsius(3182), Some(45.0));
        assert_eq!([celsius(0), celsius(2732), celsius(u64::MAX)], [None; 3]);
    }

    #[test]
    fn a_machine_without_a_thermal_zone_is_given_up_and_no_reading_waits() {
        let mut thermometer = Thermometer::default();
        assert_eq!(thermometer.read(), None);
        let until = Instant::now() + Duration::from_secs(60);
        while !thermometer.given_up && thermometer.told.is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
            thermometer.read();
        }
        assert!(thermometer.given_up || thermometer.told.is_some());
    }
}
