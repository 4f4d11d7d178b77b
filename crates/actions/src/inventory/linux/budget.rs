//! How much of one owner's files is looked at.

use crate::cleanup::StopFlag;
use std::time::{Duration, Instant};

/// Files of the system, and bytes read of them.
const OF_SYSTEM: (usize, usize) = (20_000, 64 << 20);
/// Files of one home, and bytes read of them.
const OF_HOME: (usize, usize) = (10_000, 8 << 20);
/// How long the reading may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// For one home.
    pub home: Duration,
    /// For the system and all homes together; then the rest are left out, and that is said.
    pub all: Duration,
}

/// As it is on machines: a home takes milliseconds.
pub(super) const TIMES: Times = Times { home: Duration::from_secs(2), all: Duration::from_secs(45) };

/// What is left of it.
#[derive(Debug)]
pub(super) struct Budget<'a> {
    files: usize,
    bytes: usize,
    until: Instant,
    stop: &'a StopFlag,
    /// What ran out.
    out_of: Option<&'static str>,
}

impl<'a> Budget<'a> {
    pub fn of_system(until: Instant, stop: &'a StopFlag) -> Self {
        let (files, bytes) = OF_SYSTEM;
        Self { files, bytes, until, stop, out_of: None }
    }

    pub fn of_home(until: Instant, time: Duration, stop: &'a StopFlag) -> Self {
        let (files, bytes) = OF_HOME;
        Self { files, bytes, until: until.min(Instant::now() + time), stop, out_of: None }
    }

    /// Takes one file; `false` once nothing may be looked at any more.
    pub fn file(&mut self) -> bool {
        if self.out_of.is_none() {
            self.out_of = match self.files.checked_sub(1) {
                _ if self.stop.is_set() => Some("it was stopped"),
                _ if Instant::now() >= self.until => Some("it took too long"),
                Some(left) => {
                    self.files = left;
                    None
                }
                None => Some("there are too many files"),
            };
        }
        self.out_of.is_none()
    }

    /// Takes bytes that were read.
    pub fn bytes(&mut self, count: usize) -> bool {
        match self.bytes.checked_sub(count) {
            Some(left) => self.bytes = left,
            None => self.out_of = Some("its files are too large"),
        }
        self.out_of.is_none()
    }

    /// What is to be said of whose files were not all looked at.
    pub fn exhausted(&self, whose: &str) -> Option<String> {
        self.out_of.map(|why| format!("{whose}: not all files were examined: {why}"))
    }
}
