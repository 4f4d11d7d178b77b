//! What waits to be written to one guest, in bounded memory.

use std::cell::RefCell;
use std::io;
use tokio::net::UnixStream;
use tokio::sync::Notify;

/// Bytes that wait at most: eight commands of a mebibyte each are with a guest at one time.
const MAX_BYTES: usize = 9 << 20;
/// Memory that an idle guest keeps.
const KEPT_BYTES: usize = 4096;

/// The bytes for one guest.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: RefCell<Vec<u8>>,
    changed: Notify,
}

impl Outbox {
    /// Adds a whole line; `false` where the guest has left too much unread.
    pub(super) fn push(&self, line: &[u8]) -> bool {
        let mut bytes = self.bytes.borrow_mut();
        if bytes.len() + line.len() > MAX_BYTES {
            return false;
        }
        bytes.extend_from_slice(line);
        drop(bytes);
        self.changed.notify_one();
        true
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.borrow().is_empty()
    }

    /// Waits until something was added.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// What waits; it may begin in the midst of a line.
    pub(super) fn unwritten(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }

    /// Writes as much as the socket takes.
    pub(super) fn write_to(&self, stream: &UnixStream) -> io::Result<()> {
        let mut bytes = self.bytes.borrow_mut();
        while !bytes.is_empty() {
            match stream.try_write(&bytes) {
                Ok(count) => drop(bytes.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        if bytes.capacity() > KEPT_BYTES {
            *bytes = Vec::new();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_reads_nothing_holds_no_more_than_its_bound() {
        let outbox = Outbox::default();
        let line = vec![b'x'; 1 << 20];
        assert_eq!((0..20).filter(|_| outbox.push(&line)).count(), MAX_BYTES >> 20);
        assert_eq!(outbox.unwritten().len(), MAX_BYTES);
    }
}
