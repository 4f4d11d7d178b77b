//! What a guest has said, counted as it leaves: a hub that lost nothing counts the same.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;

/// Lines that were given to the socket whole, their newline included. Blank ones are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// All of them.
    pub lines: u64,
    /// Of these, how many are no messages.
    pub malformed: u64,
}

/// The same while it is counted, and whether the guest still speaks.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    lines: AtomicU64,
    malformed: AtomicU64,
    hushed: AtomicBool,
}

impl Tally {
    /// Writes whole lines, of which the first may be blank, and counts each when the socket has its newline: right also where
    /// this is dropped midway.
    pub(crate) async fn put(
        &self,
        stream: &mut UnixStream,
        bytes: &[u8],
        malformed: bool,
    ) -> std::io::Result<()> {
        let mut rest = bytes;
        if rest.starts_with(b"\n") {
            stream.write_all(b"\n").await?;
            rest = rest.get(1..).unwrap_or_default();
        }
        while !rest.is_empty() {
            let count = stream.write(rest).await?;
            let (taken, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            let ends = taken.split(|byte| *byte == b'\n').skip(1).count() as u64;
            self.lines.fetch_add(ends, Ordering::Relaxed);
            self.malformed.fetch_add(if malformed { ends } else { 0 }, Ordering::Relaxed);
            rest = after;
        }
        Ok(())
    }

    pub(crate) fn said(&self) -> Said {
        Said { lines: self.lines.load(Ordering::Relaxed), malformed: self.malformed.load(Ordering::Relaxed) }
    }

    pub(crate) fn hush(&self) {
        self.hushed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_hushed(&self) -> bool {
        self.hushed.load(Ordering::Relaxed)
    }
}
