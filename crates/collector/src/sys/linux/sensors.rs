//! The processor's temperature from `/sys/class/hwmon` and `/sys/class/thermal`.

use super::files::Tree;
use crate::temperature::{chip_rank, parse, zone_rank};

/// The sensor found, kept as long as it answers; a machine without one is looked over again each time, which is two
/// directories that are not there.
#[derive(Debug, Default)]
pub struct Sensors {
    found: Option<String>,
}

impl Sensors {
    /// Degrees Celsius, where there is a sensor.
    pub fn processor(&mut self, sys: &mut Tree) -> Option<f64> {
        if let Some(known) = self.found.as_deref().and_then(|file| read(sys, file)) {
            return Some(known);
        }
        self.found = find(sys);
        self.found.as_deref().and_then(|file| read(sys, file))
    }
}

fn read(sys: &mut Tree, file: &str) -> Option<f64> {
    sys.read(file).ok().and_then(parse)
}

/// The best sensor that answers.
fn find(sys: &mut Tree) -> Option<String> {
    let chips = candidates(sys, "class/hwmon", "name", "temp1_input", chip_rank);
    let zones = candidates(sys, "class/thermal", "type", "temp", zone_rank);
    let mut all: Vec<_> = chips.into_iter().chain(zones).collect();
    all.sort();
    all.into_iter().map(|(_, file)| file).find(|file| read(sys, file).is_some())
}

fn candidates(
    sys: &mut Tree,
    class: &str,
    label: &str,
    value: &str,
    rank: fn(&str) -> Option<usize>,
) -> Vec<(usize, String)> {
    let Ok(entries) = std::fs::read_dir(sys.path(class)) else { return Vec::new() };
    let names: Vec<_> =
        entries.flatten().take(256).filter_map(|e| e.file_name().into_string().ok()).collect();
    let ranked = names.into_iter().filter_map(|name| {
        let text = sys.read(&format!("{class}/{name}/{label}")).ok()?;
        let rank = rank(std::str::from_utf8(text).ok()?)?;
        Some((rank, format!("{class}/{name}/{value}")))
    });
    ranked.collect()
}
