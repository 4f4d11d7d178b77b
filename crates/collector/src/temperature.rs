//! Which of the machine's sensors tells the processor's temperature.

use infiniservice_platform::linux::text::unsigned;

/// hwmon chips that sit in a processor, best first (drivers/hwmon).
const CHIPS: [&str; 6] = ["coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal", "scpi_sensors"];
/// Thermal zones of a processor, best first.
const ZONES: [&str; 5] = ["x86_pkg_temp", "cpu-thermal", "cpu_thermal", "soc-thermal", "acpitz"];
/// Sensors beyond these bounds are broken, in thousandths of a degree.
const PLAUSIBLE: std::ops::Range<u64> = 1_000..150_000;

/// Rank of a hwmon chip's `name`; lower is better, `None` is no processor's.
pub fn chip_rank(name: &str) -> Option<usize> {
    CHIPS.iter().position(|known| *known == name.trim())
}

/// Rank of a thermal zone's `type`; after every chip.
pub fn zone_rank(kind: &str) -> Option<usize> {
    ZONES.iter().position(|known| *known == kind.trim()).map(|rank| rank + CHIPS.len())
}

/// Degrees Celsius from a sensor's file, in thousandths there.
pub fn parse(text: &[u8]) -> Option<f64> {
    let value = unsigned(text.trim_ascii())?;
    PLAUSIBLE.contains(&value).then(|| (value as f64 / 100.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processors_own_chip_is_better_than_a_zone() {
        assert!(chip_rank("coretemp\n") < zone_rank("x86_pkg_temp\n"));
        assert_eq!((chip_rank("nvme"), zone_rank("iwlwifi_1")), (None, None));
    }

    #[test]
    fn a_broken_sensor_tells_nothing() {
        assert_eq!(parse(b"45500\n"), Some(45.5));
        assert_eq!([parse(b"-5000\n"), parse(b"0\n"), parse(b"255000\n"), parse(b"")], [None; 4]);
    }
}
