//! The one gate of the process for whatever may write to a disk: while file systems are frozen nothing of the agent writes to
//! them or starts a program. A write to a frozen file system sleeps in the kernel until it is thawed, and so does whoever
//! waits for it.
//!
//! Whoever wants to write or to start a program takes a [`Pass`] and keeps it for as long as that takes. Whoever freezes closes
//! the gate first, and waits for the passes to come back.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A gate. The process has one, [`Gate::of_the_process`]; tests have their own.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    passes: usize,
}

/// The gate is closed: file systems are frozen, or about to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("file systems are frozen for the host's backup")]
pub struct Closed;

/// The right to write, until it is dropped.
#[derive(Debug)]
pub struct Pass<'a>(&'a Gate);

static GATE: Gate = Gate { state: Mutex::new(State { closed: false, passes: 0 }), changed: Condvar::new() };

impl Gate {
    /// The process's own.
    pub fn of_the_process() -> &'static Self {
        &GATE
    }

    /// The right to write.
    ///
    /// # Errors
    /// While the gate is closed.
    pub fn pass(&self) -> Result<Pass<'_>, Closed> {
        let mut state = self.lock();
        if state.closed {
            return Err(Closed);
        }
        state.passes += 1;
        Ok(Pass(self))
    }

    /// Closes the gate, and waits for at most `timeout` until all passes are back. Blocks its thread.
    ///
    /// # Errors
    /// How many are still out; the gate is open again then.
    pub fn close(&self, timeout: Duration) -> Result<(), usize> {
        let until = Instant::now() + timeout;
        let mut state = self.lock();
        state.closed = true;
        while state.passes > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let out = state.passes;
                state.closed = false;
                self.changed.notify_all();
                return Err(out);
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    /// Opens it.
    pub fn open(&self) {
        self.lock().closed = false;
        self.changed.notify_all();
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits until it is open. Blocks its thread.
    pub fn wait_until_open(&self) {
        let mut state = self.lock();
        while state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.passes = state.passes.saturating_sub(1);
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_passes_a_closed_gate() {
        let gate = Gate::default();
        drop(gate.pass().expect("open"));
        gate.close(Duration::ZERO).expect("no pass is out");
        assert!(gate.pass().is_err() && gate.is_closed());
        gate.open();
        assert!(gate.pass().is_ok());
    }

    #[test]
    fn a_gate_that_cannot_be_closed_in_time_is_open_again() {
        let gate = Gate::default();
        let pass = gate.pass().expect("open");
        assert_eq!(gate.close(Duration::from_millis(1)), Err(1));
        assert!(gate.pass().is_ok());
        drop(pass);
        assert_eq!(gate.close(Duration::ZERO), Ok(()));
    }

    #[test]
    fn closing_waits_for_a_pass_to_come_back() {
        let gate = Gate::default();
        let pass = gate.pass().expect("open");
        std::thread::scope(|scope| {
            let closing = scope.spawn(|| gate.close(Duration::from_secs(60)));
            while gate.pass().is_ok() {
                std::thread::yield_now();
            }
            drop(pass);
            assert_eq!(closing.join().expect("no panic"), Ok(()));
        });
    }
}
