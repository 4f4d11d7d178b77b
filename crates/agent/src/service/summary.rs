//! The last words in the log: what this run of the agent did.

use infiniservice_protocol::metrics::Collection;
use std::time::Duration;

/// Counts of the service itself; the link and the executor keep their own.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Collections that ended.
    pub collections: u64,
    /// Collectors that failed, summed over all collections; warming up is no failure.
    pub failed_collectors: u64,
    /// Configurations read again.
    pub reloads: u64,
}

impl Counts {
    /// Takes note of a collection.
    pub fn collected(&mut self, collection: &Collection) {
        self.collections += 1;
        let failed = collection.failed.iter().filter(|f| f.error != "warming_up").count();
        self.failed_collectors += failed as u64;
    }
}

/// `3 d 4 h`, `5 min 6 s`: two units, for people.
pub fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_two_units() {
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7300, "2 h 1 min"), (200_000, "2 d 7 h")]
        {
            assert_eq!(duration_text(Duration::from_secs(seconds)), text);
        }
    }
}
