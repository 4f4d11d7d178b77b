//! Where no system tells whether a thread has a processor, one that is late hangs.

/// A thread of this process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worker;

impl Worker {
    /// The thread that calls.
    pub(super) const fn own() -> Self {
        Self
    }

    /// Never known.
    pub(super) const fn is_runnable(_: Self) -> bool {
        false
    }
}
