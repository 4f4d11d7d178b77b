//! Small changes to known inputs, from a seed: what a fuzzer does, without its knowledge of what the code does with them.

use fastrand::Rng;

/// What formats stumble over.
const WORDS: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r",
    b"\t",
    b" ",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"-",
    b"-1",
    b"0",
    b"2147483648",
    b"9007199254740993",
    b"18446744073709551616",
    b"1e999",
    b"NaN",
    b"null",
    b"[",
    b"{",
    b"}",
    b"=",
    b":",
    b"(",
    b")",
    b"..",
    b"/",
    b"\x1b[2J",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"\xf0\x9f\x98\x80",
    b"----------",
];

/// Longest input that is made.
const MAX_BYTES: usize = 64 << 10;

/// One to four changes to `bytes`, some of them with parts of `other`.
pub fn mutated(bytes: &[u8], other: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.u8(0..4) {
        change(&mut bytes, other, rng);
    }
    bytes.truncate(MAX_BYTES);
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let at = rng.usize(0..=bytes.len());
    match rng.u8(0..7) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(range(bytes.len(), rng))),
        2 => insert(bytes, at, WORDS[rng.usize(0..WORDS.len())]),
        3 => insert(bytes, at, &other[range(other.len(), rng)]),
        4 => {
            let own = bytes[range(bytes.len(), rng)].to_vec();
            insert(bytes, at, &own);
        }
        5 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = rng.u8(..)),
        _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << rng.u8(0..8)),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, what: &[u8]) {
    bytes.splice(at..at, what.iter().copied());
}

/// Mostly short.
fn range(len: usize, rng: &mut Rng) -> std::ops::Range<usize> {
    let start = rng.usize(0..=len);
    let longest = if rng.bool() { 16 } else { len };
    start..start + rng.usize(0..=longest.min(len - start))
}
