//! How long each scenario took: what a run of minutes is spent on is said at its end.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What takes less is summed up: a table of two hundred lines is read by nobody.
const WORTH_A_LINE: Duration = Duration::from_secs(5);

/// The times of one run.
#[derive(Debug, Default)]
pub struct Times(Mutex<Vec<(&'static str, Duration)>>);

impl Times {
    /// Does the work and notes how long it took.
    pub fn of<T>(&self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        self.note(name, start.elapsed());
        done
    }

    fn note(&self, name: &'static str, took: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((name, took));
    }
}

impl fmt::Display for Times {
    /// The slow ones, slowest first, then what the others took together.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        times.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
        let (slow, quick): (Vec<_>, Vec<_>) = times.into_iter().partition(|(_, took)| *took >= WORTH_A_LINE);
        for (name, took) in &slow {
            writeln!(out, "took {:>7.1} s  {name}", took.as_secs_f64())?;
        }
        let rest: Duration = quick.iter().map(|(_, took)| *took).sum();
        match quick.len() {
            0 => Ok(()),
            count => {
                writeln!(out, "took {:>7.1} s  {count} that took less than 5 s each", rest.as_secs_f64())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slow_are_named_and_the_quick_are_summed_up() {
        let run = Times::default();
        for (name, seconds) in [("quick", 2), ("slow", 60), ("too", 1), ("slower", 61)] {
            run.note(name, Duration::from_secs(seconds));
        }
        let expected =
            "took    61.0 s  slower\ntook    60.0 s  slow\ntook     3.0 s  2 that took less than 5 s each\n";
        assert_eq!(run.to_string(), expected);
    }
}
