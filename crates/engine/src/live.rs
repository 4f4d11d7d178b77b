//! Lines of figures on their way to whoever listens: each compressed (zstd) with the one before it as its dictionary, which most
//! of it repeats. Now and then one is whole, so that who begins to listen, or has lost one, is soon right again.
//!
//! A message is a byte for its kind, four for its number (little endian), and the compressed line.

use std::io;
use zstd::bulk::{Compressor, Decompressor};

/// From one whole line to the next.
const WHOLE_EVERY: u32 = 20;
/// How hard it is tried.
const LEVEL: i32 = 3;
/// Longest line, in bytes: as long as a guest's may be.
const MAX_LINE_BYTES: usize = 4 << 20;
const WHOLE: u8 = 0;
const AFTER: u8 = 1;
const HEAD_BYTES: usize = 5;

/// What compresses the lines of one machine.
#[derive(Debug, Default)]
pub struct Encoder {
    number: u32,
    last: Vec<u8>,
}

impl Encoder {
    /// The message of a line.
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn encode(&mut self, line: &str) -> io::Result<Vec<u8>> {
        let is_whole = self.number.is_multiple_of(WHOLE_EVERY);
        let dictionary = if is_whole { &[][..] } else { &self.last };
        let body = Compressor::with_dictionary(LEVEL, dictionary)?.compress(line.as_bytes())?;
        let mut message = Vec::with_capacity(HEAD_BYTES + body.len());
        message.push(if is_whole { WHOLE } else { AFTER });
        message.extend(self.number.to_le_bytes());
        message.extend(body);
        self.number = self.number.wrapping_add(1);
        self.last = line.as_bytes().to_vec();
        Ok(message)
    }
}

/// What reads the messages of one machine.
#[derive(Debug, Default)]
pub struct Decoder {
    last: Option<(u32, Vec<u8>)>,
}

impl Decoder {
    /// The line of a message; `None` where the one before it is missing, or it is none.
    pub fn decode(&mut self, message: &[u8]) -> Option<String> {
        let (head, body) = message.split_at_checked(HEAD_BYTES)?;
        let [kind, number @ ..] = head else { return None };
        let number = u32::from_le_bytes(number.try_into().ok()?);
        let dictionary = match (*kind, self.last.take()) {
            (WHOLE, _) => Vec::new(),
            (AFTER, Some((last, line))) if last.wrapping_add(1) == number => line,
            _ => return None,
        };
        let line = Decompressor::with_dictionary(&dictionary).ok()?.decompress(body, MAX_LINE_BYTES).ok()?;
        let text = String::from_utf8(line).ok()?;
        self.last = Some((number, text.clone().into_bytes()));
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: u32) -> String {
        let rest: String = (0..200).map(|n| format!("\"name-{n}\":{},", n * 7919)).collect();
        format!("{{\"type\":\"system_metrics\",\"n\":{n},{rest}\"end\":0}}")
    }

    #[test]
    fn what_repeats_the_line_before_is_short_and_comes_back() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        for n in 0..WHOLE_EVERY * 2 {
            let message = encoder.encode(&line(n)).unwrap();
            assert!(n % WHOLE_EVERY == 0 || message.len() < line(n).len() / 20, "{}", message.len());
            assert_eq!(decoder.decode(&message), Some(line(n)));
        }
    }

    #[test]
    fn who_has_lost_one_is_right_again_with_the_next_whole_one() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let mut read = Vec::new();
        for n in 0..=WHOLE_EVERY {
            let message = encoder.encode(&line(n)).unwrap();
            if n != 3 {
                read.extend(decoder.decode(&message).map(|_| n));
            }
        }
        assert_eq!(read, [0, 1, 2, WHOLE_EVERY]);
    }

    #[test]
    fn what_is_no_message_is_none() {
        let good = Encoder::default().encode("x").unwrap();
        let long = Encoder::default().encode(&"x".repeat(MAX_LINE_BYTES + 1)).unwrap();
        for message in [&[][..], &[0; 4], &[0; 20], &[7, 0, 0, 0, 0, 1], &good[..good.len() - 1], &long] {
            assert_eq!(Decoder::default().decode(message), None);
        }
    }
}
