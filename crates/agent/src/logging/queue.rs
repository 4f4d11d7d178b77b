//! Lines between those who log and the thread that writes: bounded, and lossy with a count. Whoever logs never waits for a
//! reader of the log.

use infiniservice_platform::gate::Gate;
use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lines that may wait, and their bytes.
const MAX_LINES: usize = 4096;
const MAX_BYTES: usize = 1 << 20;

/// The line that stands where this many were lost.
pub(super) type LostLine = fn(u64) -> String;

/// The queue.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    lost_line: LostLine,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    lost: u64,
    /// A line is being written.
    writing: bool,
    /// The last write failed: nothing is said of lost lines until one succeeds.
    failing: bool,
}

impl Queue {
    pub(super) fn new(lost_line: LostLine) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), lost_line }
    }

    /// Takes a line with its end, or counts it as lost. Does not wait.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        let told = (state.lost > 0 && !state.failing).then(|| self.lost(state.lost));
        let bytes = line.len() + told.as_ref().map_or(0, Vec::len);
        if !state.has_room(1 + usize::from(told.is_some()), bytes) {
            state.lost += 1;
            return;
        }
        if let Some(told) = told {
            state.lost = 0;
            state.put(told);
        }
        state.put(line.to_vec());
        self.changed.notify_all();
    }

    /// Writes what comes, for ever.
    pub(super) fn write_to(&self, out: &mut dyn Write) -> ! {
        loop {
            let line = self.next();
            // It may go to a file on a file system that is frozen, or to a journal that writes there.
            Gate::of_the_process().wait_until_open();
            let written = out.write_all(&line).and_then(|()| out.flush());
            self.wrote(written.is_ok());
        }
    }

    /// Waits until everything is written, at most this long. Returns whether it is.
    pub(super) fn flush(&self, within: Duration) -> bool {
        let end = Instant::now() + within;
        let mut state = self.lock();
        while !state.is_idle() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn next(&self) -> Vec<u8> {
        let mut state = self.lock();
        loop {
            if let Some(line) = state.take() {
                return line;
            }
            if state.lost > 0 && !state.failing {
                state.writing = true;
                let lost = std::mem::take(&mut state.lost);
                return self.lost(lost);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn wrote(&self, well: bool) {
        let mut state = self.lock();
        (state.writing, state.failing) = (false, !well);
        state.lost += u64::from(!well);
        self.changed.notify_all();
    }

    fn lost(&self, count: u64) -> Vec<u8> {
        let mut line = (self.lost_line)(count).into_bytes();
        line.push(b'\n');
        line
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_room(&self, lines: usize, bytes: usize) -> bool {
        self.lines.len() + lines <= MAX_LINES && self.bytes + bytes <= MAX_BYTES
    }

    fn put(&mut self, line: Vec<u8>) {
        self.bytes += line.len();
        self.lines.push_back(line);
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        let line = self.lines.pop_front()?;
        self.bytes -= line.len();
        self.writing = true;
        Some(line)
    }

    fn is_idle(&self) -> bool {
        self.lines.is_empty() && !self.writing && (self.lost == 0 || self.failing)
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
