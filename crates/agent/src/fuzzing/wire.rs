//! The wire: line codec, every message both ways, the signed envelope.

use infiniservice_actions::fuzzing::sent;
use infiniservice_protocol::envelope::{EnvelopeError, MAX_NONCE_CHARS, Signer, Verifier};
use infiniservice_protocol::{
    Action, Body, GuestLine, HostMessage, LineDecoder, LineItem, parse_guest_line, parse_host_item,
    parse_host_line,
};
use std::time::UNIX_EPOCH;

const BOUND: usize = 32;
const MAX_ANSWER_BYTES: usize = 16 << 10;

/// Any bytes in any chunks: the items are those of all bytes at once, and memory keeps to its bound. The first byte tells how many
/// of the next are sizes of chunks.
pub fn codec(bytes: &[u8]) {
    let Some((count, rest)) = bytes.split_first() else { return };
    let (sizes, bytes) = rest.split_at(usize::from(*count).min(rest.len()));
    let whole = items(bytes, std::iter::once(bytes.len().max(1)));
    let chunked = items(bytes, sizes.iter().map(|size| usize::from(*size) + 1));
    assert_eq!(whole, chunked);
}

/// The items of `bytes` fed in chunks of `sizes`, the rest at once.
fn items(bytes: &[u8], mut sizes: impl Iterator<Item = usize>) -> Vec<LineItem> {
    let mut decoder = LineDecoder::new(BOUND);
    let mut items = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(rest.len()).min(rest.len());
        let (chunk, tail) = rest.split_at(size);
        decoder.push(chunk);
        items.extend(std::iter::from_fn(|| decoder.next()).map(without_count));
        assert!(decoder.buffered() <= BOUND);
        rest = tail;
    }
    items
}

/// How much of an oversized line had come when it was told depends on the chunks.
fn without_count(item: LineItem) -> LineItem {
    match item {
        LineItem::TooLong { .. } => LineItem::TooLong { bytes: 0 },
        other => other,
    }
}

/// One line of the host: parsed or answered, its action typed or refused; every answer fits and is ASCII, and what was
/// understood is read back from what it is written as.
pub fn host_line(bytes: &[u8]) {
    let item = match std::str::from_utf8(bytes) {
        Ok(text) => LineItem::Line(text.to_owned()),
        Err(error) => LineItem::InvalidUtf8 { line: bytes.to_vec(), valid_up_to: error.valid_up_to() },
    };
    match parse_host_item(&item, 4096) {
        Ok(message) => understood(&message),
        Err(rejection) => {
            let mut line = Vec::new();
            let mut answer = rejection.into_message();
            Body::encode_within(&mut answer, MAX_ANSWER_BYTES).finish(UNIX_EPOCH, &mut line);
            assert!(line.is_ascii() && line.len() <= MAX_ANSWER_BYTES + 1);
        }
    }
}

fn understood(message: &HostMessage) {
    if let HostMessage::SafeCommand(command) = message {
        let _ = Action::parse(&command.action, &command.params);
    }
    let again = parse_host_line(message.to_line(UNIX_EPOCH).trim_end());
    // Floats may lose their last bit in text; everything else must be the same.
    assert!(again.as_ref() == Ok(message) || holds_float(message), "{message:?} became {again:?}");
}

fn holds_float(message: &HostMessage) -> bool {
    let HostMessage::SafeCommand(command) = message else { return false };
    format!("{:?}", command.params).contains(['.', 'e'])
}

/// One line of the guest, as the host's client reads it: what was understood can be sent on.
pub fn guest_line(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(GuestLine::Known(message)) = parse_guest_line(&text) {
        sent(message);
    }
}

const NOW: u64 = 1_700_000_000_000;
/// No seed is signed with it, and nobody finds a signature by trying.
const SECRET: &str = "signs nothing but what this target signs";

/// Bytes as a line are never taken. Bytes as a payload are, once, and a line with one bit changed gives that payload or none.
pub fn envelope(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert!(Verifier::new(SECRET).verify(NOW, &text).is_err(), "taken: {text}");
    let nonce: String = text.chars().filter(|c| !c.is_control()).take(MAX_NONCE_CHARS).collect();
    if nonce.is_empty() {
        return;
    }
    let line = Signer::new(SECRET).sign(NOW, &nonce, &text);
    let mut verifier = Verifier::new(SECRET);
    assert_eq!(verifier.verify(NOW, &line).as_deref(), Ok(&*text));
    assert_eq!(verifier.verify(NOW, &line), Err(EnvelopeError::Replayed));
    let changed = String::from_utf8_lossy(&with_a_bit_changed(line.as_bytes(), bytes)).into_owned();
    let taken = Verifier::new(SECRET).verify(NOW, &changed);
    assert!(taken.is_err() || taken.as_deref() == Ok(&*text), "taken: {changed}");
}

fn with_a_bit_changed(line: &[u8], by: &[u8]) -> Vec<u8> {
    let mut line = line.to_vec();
    let which = by.iter().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let at = which % line.len().max(1);
    if let Some(byte) = line.get_mut(at) {
        *byte ^= 1 << (which / 7 % 8);
    }
    line
}
