//! What waits for one client: lines of its guest, in bounded memory.
//!
//! The reader of a guest never waits for a client. Where one does not read, its oldest figures are dropped first; an answer is
//! never dropped: a client that leaves even those unread is let go.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use tokio::sync::Notify;

/// Lines that wait at most.
const MAX_LINES: usize = 1024;
/// Bytes that wait at most.
const MAX_BYTES: usize = 16 << 20;

/// A line for a client.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Without its newline.
    pub(super) line: Rc<str>,
    /// Whether everybody gets it; it may be dropped.
    pub(super) for_all: bool,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    dropped: u64,
    /// Why nothing comes any more.
    closed: Option<String>,
}

/// The queue of one client.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    queue: RefCell<Queue>,
    changed: Notify,
}

impl Inbox {
    /// Adds a line.
    pub(super) fn push(&self, item: Item) {
        self.queue.borrow_mut().push(item);
        self.changed.notify_one();
    }

    /// No line comes after those that are there.
    pub(super) fn close(&self, reason: &str) {
        self.queue.borrow_mut().closed.get_or_insert_with(|| reason.to_owned());
        self.changed.notify_one();
    }

    /// The next line; the reason once there is none any more.
    pub(super) async fn next(&self) -> Result<Item, String> {
        loop {
            if let Some(next) = self.queue.borrow_mut().pop() {
                return next;
            }
            self.changed.notified().await;
        }
    }

    /// Lines that were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.queue.borrow().dropped
    }
}

impl Queue {
    fn push(&mut self, item: Item) {
        if self.closed.is_some() {
            return;
        }
        self.bytes += item.line.len();
        self.items.push_back(item);
        while self.items.len() > MAX_LINES || self.bytes > MAX_BYTES {
            if !self.drop_oldest() {
                let reason = format!("{} answers wait unread, more than the hub keeps", self.items.len());
                self.items.clear();
                self.closed = Some(reason);
                return;
            }
        }
    }

    /// Drops the oldest line that everybody gets; whether there was one.
    fn drop_oldest(&mut self) -> bool {
        let Some(at) = self.items.iter().position(|item| item.for_all) else { return false };
        if let Some(item) = self.items.remove(at) {
            self.bytes -= item.line.len();
            self.dropped += 1;
        }
        true
    }

    fn pop(&mut self) -> Option<Result<Item, String>> {
        if let Some(item) = self.items.pop_front() {
            self.bytes -= item.line.len();
            return Some(Ok(item));
        }
        self.closed.clone().map(Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(line: &str, for_all: bool) -> Item {
        Item { line: line.into(), for_all }
    }

    fn all(inbox: &Inbox) -> Vec<String> {
        let mut queue = inbox.queue.borrow_mut();
        std::iter::from_fn(|| queue.pop()?.ok()).map(|item| item.line.to_string()).collect()
    }

    #[test]
    fn figures_that_nobody_reads_are_dropped_oldest_first_and_answers_stay() {
        let inbox = Inbox::default();
        inbox.push(item("answer", false));
        for n in 0..2000 {
            inbox.push(item(&n.to_string(), true));
        }
        let lines = all(&inbox);
        assert_eq!(
            (lines.len(), lines[0].as_str(), lines[MAX_LINES - 1].as_str()),
            (MAX_LINES, "answer", "1999")
        );
        assert_eq!(inbox.dropped(), 2001 - MAX_LINES as u64);
    }

    #[test]
    fn bytes_are_bounded_as_lines_are() {
        let inbox = Inbox::default();
        let long = "x".repeat(4 << 20);
        for _ in 0..10 {
            inbox.push(item(&long, true));
        }
        assert_eq!(all(&inbox).len(), MAX_BYTES / long.len());
    }

    #[test]
    fn a_client_that_leaves_answers_unread_is_let_go() {
        let inbox = Inbox::default();
        for n in 0..=MAX_LINES {
            inbox.push(item(&n.to_string(), false));
        }
        assert!(matches!(inbox.queue.borrow_mut().pop(), Some(Err(reason)) if reason.contains("unread")));
    }

    #[tokio::test]
    async fn what_came_before_the_end_is_read_before_it() {
        let inbox = Inbox::default();
        inbox.push(item("last", false));
        inbox.close("gone");
        assert_eq!(&*inbox.next().await.unwrap().line, "last");
        assert_eq!(inbox.next().await.unwrap_err(), "gone");
    }
}
