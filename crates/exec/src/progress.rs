//! What a program writes, while it runs: pieces for whoever follows it. The answer at its end has all of it in any case, so a piece
//! may be lost, and its number shows that.
//!
//! Of each stream a piece leaves every 50 ms at most, with 16 KiB at most; what a program writes beyond that between two pieces is
//! left out here. Pure but for the function that takes the pieces.

use infiniservice_protocol::guest::OutputStream;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Longest piece, in bytes of UTF-8.
pub const PIECE_MAX_BYTES: usize = 16 << 10;
/// Between two pieces of one stream.
const PERIOD: Duration = Duration::from_millis(50);

/// One piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it was written.
    pub stream: OutputStream,
    /// From 1 in each stream; a gap is of what was left out.
    pub seq: u64,
    /// What was written, as valid UTF-8 without NUL.
    pub text: String,
}

/// Takes pieces; never waits.
#[derive(Clone)]
pub struct Follower(Arc<dyn Fn(Piece) + Send + Sync>);

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Follower")
    }
}

impl Follower {
    /// One that calls `take`.
    pub fn new(take: impl Fn(Piece) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }
}

/// One stream of one program, cut into pieces.
#[derive(Debug)]
pub(super) struct Pieces {
    stream: OutputStream,
    follower: Follower,
    waiting: Vec<u8>,
    seq: u64,
    /// No piece before.
    next: Option<Instant>,
    /// Something was left out since the last piece.
    gap: bool,
    /// What comes next may begin within a character.
    resumes: bool,
}

impl Pieces {
    pub(super) fn new(stream: OutputStream, follower: Follower) -> Self {
        Self { stream, follower, waiting: Vec::new(), seq: 0, next: None, gap: false, resumes: false }
    }

    /// Takes what was read.
    pub(super) fn push(&mut self, now: Instant, bytes: &[u8]) {
        let rest = self.keep(bytes);
        self.flush(now);
        if !self.keep(rest).is_empty() {
            // Half a character before a gap would be none.
            self.waiting.truncate(whole_characters(&self.waiting));
            self.gap = true;
        }
    }

    /// Keeps what has room; the rest. Behind a gap nothing is kept until the piece before it has left.
    fn keep<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if self.gap {
            return bytes;
        }
        let bytes = if self.resumes { from_a_character(bytes) } else { bytes };
        self.resumes &= bytes.is_empty();
        let room = PIECE_MAX_BYTES.saturating_sub(self.waiting.len()).min(bytes.len());
        let (kept, rest) = bytes.split_at(room);
        self.waiting.extend_from_slice(kept);
        rest
    }

    /// When to flush next; `None` while no whole character waits.
    pub(super) fn due(&self) -> Option<Instant> {
        self.next.filter(|_| whole_characters(&self.waiting) > 0)
    }

    /// Hands a piece over, if its time has come.
    pub(super) fn flush(&mut self, now: Instant) {
        if self.next.is_some_and(|next| now < next) {
            return;
        }
        let whole = whole_characters(&self.waiting);
        let text = String::from_utf8_lossy(self.waiting.get(..whole).unwrap_or_default()).replace('\0', "");
        self.waiting.drain(..whole);
        self.next = Some(now + PERIOD);
        if !text.is_empty() {
            self.seq += 1;
            (self.follower.0)(Piece { stream: self.stream, seq: self.seq, text });
        }
        self.resumes |= self.gap;
        self.seq += u64::from(std::mem::take(&mut self.gap));
    }
}

/// The length without a character that the cut went through.
pub(super) fn whole_characters(bytes: &[u8]) -> usize {
    // A character is at most four bytes: only the last three can begin one that is not whole.
    let tail = bytes.len().saturating_sub(3);
    let incomplete = (tail..bytes.len()).find(|&at| {
        let rest = bytes.get(at..).unwrap_or_default();
        std::str::from_utf8(rest).is_err_and(|e| e.valid_up_to() == 0 && e.error_len().is_none())
    });
    incomplete.unwrap_or(bytes.len())
}

/// Without the end of a character whose beginning was left out.
fn from_a_character(bytes: &[u8]) -> &[u8] {
    let rest = bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    bytes.get(rest..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Mutex;

    fn pieces() -> (Pieces, Arc<Mutex<Vec<Piece>>>) {
        let got: Arc<Mutex<Vec<Piece>>> = Arc::default();
        let kept = Arc::clone(&got);
        let follower = Follower::new(move |piece| kept.lock().unwrap().push(piece));
        (Pieces::new(OutputStream::Stdout, follower), got)
    }

    #[tokio::test]
    async fn the_first_piece_goes_at_once_and_what_follows_soon_goes_together() {
        let (mut pieces, got) = pieces();
        let start = Instant::now();
        pieces.push(start, b"one ");
        pieces.push(start, b"two ");
        pieces.push(start, b"three");
        let due = pieces.due().unwrap();
        assert_eq!(due, start + PERIOD);
        pieces.flush(due);
        let told: Vec<_> = got.lock().unwrap().iter().map(|piece| (piece.seq, piece.text.clone())).collect();
        assert_eq!(told, [(1, "one ".to_owned()), (2, "two three".to_owned())]);
        assert_eq!(pieces.due(), None);
    }

    #[tokio::test]
    async fn a_flood_costs_its_own_middle_and_the_numbers_show_it() {
        let (mut pieces, got) = pieces();
        let start = Instant::now();
        for _ in 0..100 {
            pieces.push(start, &[b'x'; PIECE_MAX_BYTES]);
        }
        pieces.flush(start + PERIOD);
        pieces.push(start + 2 * PERIOD, b"end");
        let told: Vec<_> = got.lock().unwrap().iter().map(|piece| (piece.seq, piece.text.len())).collect();
        assert_eq!(told, [(1, PIECE_MAX_BYTES), (2, PIECE_MAX_BYTES), (4, 3)]);
    }

    #[tokio::test]
    async fn a_character_that_comes_in_two_reads_is_one() {
        let (mut pieces, got) = pieces();
        let start = Instant::now();
        pieces.push(start, &[b'a', 0xe2, 0x82]);
        pieces.push(start + PERIOD, &[0xac, b'b', 0]);
        let text: String = got.lock().unwrap().iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(text, "a\u{20ac}b");
    }

    proptest! {
        #[test]
        fn no_piece_is_too_long_and_without_a_gap_they_are_the_whole(
            writes in prop::collection::vec((0_u64..120, "[a-z€\\n]{0,8}", 0_usize..3000), 0..20),
        ) {
            let (mut pieces, got) = pieces();
            let start = Instant::now();
            let (mut at, mut all) = (Duration::ZERO, String::new());
            for (wait, text, times) in &writes {
                at += Duration::from_millis(*wait);
                let written = text.repeat(*times);
                pieces.push(start + at, written.as_bytes());
                all.push_str(&written);
            }
            pieces.flush(start + at + PERIOD);
            let got = got.lock().unwrap();
            prop_assert!(got.iter().all(|piece| piece.text.len() <= PIECE_MAX_BYTES));
            let in_order = got.iter().map(|piece| piece.seq).eq(1..=got.len() as u64);
            let text: String = got.iter().map(|piece| piece.text.as_str()).collect();
            prop_assert!(!in_order || all.starts_with(&text));
        }
    }
}
