//! Figures that differ from guest to guest and move with time, so that a simulated host looks like one.

use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Systems that guests have.
const SYSTEMS: [(&str, &str); 4] =
    [("Debian GNU/Linux", "12"), ("Ubuntu", "24.04"), ("AlmaLinux", "9.6"), ("openSUSE Leap", "15.6")];
/// How long a figure takes from low to high and back.
const TURN_SECS: f64 = 600.0;

/// The character of one guest, by its name.
#[derive(Clone, Copy, Debug)]
pub struct Character(u64);

impl Character {
    /// That of a guest of this name: always the same.
    pub fn of(name: &str) -> Self {
        let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, fnv))
    }

    /// One of its traits, from 0 to 1.
    fn part(self, number: u64) -> f64 {
        let mut random = fastrand::Rng::with_seed(self.0 ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.f64()
    }

    /// Its system, as `hello` names it.
    pub fn system(self) -> String {
        let (name, version) = self.os();
        format!("{name} {version}")
    }

    fn os(self) -> (&'static str, &'static str) {
        let at = (self.part(1) * SYSTEMS.len() as f64) as usize;
        SYSTEMS.get(at).copied().unwrap_or(("Linux", "6"))
    }

    /// How busy it is at this moment, from 0 to 1: most have little to do.
    fn busy(self, at: SystemTime) -> f64 {
        let seconds = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64();
        let wave = ((seconds / TURN_SECS + self.part(2)) * std::f64::consts::TAU).sin();
        (self.part(3).powi(3) + 0.12 * wave + 0.05).clamp(0.01, 0.99)
    }

    /// Puts its figures over those of a recorded line.
    pub fn put_over(self, line: &mut Value, at: SystemTime) {
        let busy = self.busy(at);
        let (os, version) = self.os();
        let system = &mut line["data"]["system"];
        system["cpu"]["usage_percent"] = json!(round(busy * 100.0));
        let total = 1_048_576_u64 << ((self.part(4) * 4.0) as u64);
        let used = (total as f64 * (0.15 + 0.6 * self.part(5) + 0.15 * busy)) as u64;
        system["memory"]["total_kb"] = json!(total);
        system["memory"]["used_kb"] = json!(used);
        system["memory"]["available_kb"] = json!(total - used);
        let [one, five, fifteen] = [1.0, 0.9, 0.8].map(|part| round(part * busy * 4.0));
        system["load_average"] = json!({ "load_1min": one, "load_5min": five, "load_15min": fifteen });
        let (size, full) = (40.0, 0.1 + 0.85 * self.part(6).sqrt());
        let disk = &mut system["disk"]["usage_stats"][0];
        disk["total_gb"] = json!(size);
        disk["used_gb"] = json!(round(size * full));
        disk["available_gb"] = json!(round(size * (1.0 - full)));
        let address = format!("192.168.{}.{}", 122 + (self.0 % 4), 2 + self.0 / 4 % 250);
        system["network"]["interfaces"][0]["ip_addresses"] = json!([address]);
        system["host"]["os_name"] = json!(os);
        system["host"]["os_version"] = json!(version);
        if self.part(7) > 0.94 {
            line["data"]["services"][0]["state"] = json!("failed");
        }
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines;

    #[test]
    fn guests_differ_and_each_stays_as_it_is() {
        let at = UNIX_EPOCH + Duration::from_secs(1000);
        let line = |name: &str| {
            let mut line = lines::recorded();
            Character::of(name).put_over(&mut line, at);
            assert!(lines::is_known(&line.to_string()));
            line
        };
        assert_eq!(line("a"), line("a"));
        assert_ne!(line("a")["data"]["system"]["memory"], line("b")["data"]["system"]["memory"]);
    }
}
