//! Any bytes in any chunks: the items are those of all bytes at once, and memory keeps to its bound.
#![no_main]

use infiniservice_protocol::{LineDecoder, LineItem};
use libfuzzer_sys::fuzz_target;

const BOUND: usize = 32;

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (bytes, sizes) = input;
    let whole = items(&bytes, std::iter::once(bytes.len().max(1)));
    let chunked = items(&bytes, sizes.iter().map(|size| usize::from(*size) + 1));
    assert_eq!(whole, chunked);
});

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
