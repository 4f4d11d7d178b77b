//! Lines of figures on their way to whoever listens: each compressed (zstd) with the one before it as its dictionary, which most
//! of it repeats. Now and then one is whole, so that who begins to listen, or has lost one, is soon right again.
//!
//! A message is a byte for its kind, four for its number (little endian), and the compressed line.

use std::io;
use thiserror::Error;
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
    /// The next line is to be whole: somebody listens who does not know the one before it.
    pub fn begin_anew(&mut self) {
        self.last = Vec::new();
    }

    /// The message of a line.
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn encode(&mut self, line: &str) -> io::Result<Vec<u8>> {
        let is_whole = self.last.is_empty() || self.number.is_multiple_of(WHOLE_EVERY);
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

/// Why a message has no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unread {
    /// It repeats the line before it, which is not known: it was lost, or came before the listening began.
    #[error("the line before it is not known")]
    Gap,
    /// It is no such message, or its line is longer than any.
    #[error("it is no compressed line")]
    Wrong,
}

/// What reads the messages of one machine.
#[derive(Debug, Default)]
pub struct Decoder {
    last: Option<(u32, Box<str>)>,
}

impl Decoder {
    /// The line of a message, which is kept until the next one.
    ///
    /// # Errors
    /// Where it has none. The next whole line is read again.
    pub fn decode(&mut self, message: &[u8]) -> Result<&str, Unread> {
        let (head, body) = message.split_at_checked(HEAD_BYTES).ok_or(Unread::Wrong)?;
        let [kind, number @ ..] = head else { return Err(Unread::Wrong) };
        let number = u32::from_le_bytes(number.try_into().map_err(|_| Unread::Wrong)?);
        // Somebody's garbage between two messages costs neither.
        let before = match (*kind, &self.last) {
            (WHOLE, _) => "",
            (AFTER, Some((last, line))) if last.wrapping_add(1) == number => line,
            (AFTER, _) => return Err(Unread::Gap),
            _ => return Err(Unread::Wrong),
        };
        let line = decompressed(body, before).ok_or(Unread::Wrong)?;
        Ok(&self.last.insert((number, line)).1)
    }

    /// The line that is kept.
    pub fn line(&self) -> Option<&str> {
        self.last.as_ref().map(|(_, line)| &**line)
    }

    /// Forgets the line that is kept.
    pub fn forget(&mut self) {
        self.last = None;
    }
}

/// A line of at most [`MAX_LINE_BYTES`], whatever its message says.
fn decompressed(body: &[u8], dictionary: &str) -> Option<Box<str>> {
    let mut decompressor = Decompressor::with_dictionary(dictionary.as_bytes()).ok()?;
    // Nothing at all is no error to the library, and no line.
    let line = decompressor.decompress(body, MAX_LINE_BYTES).ok().filter(|line| !line.is_empty())?;
    String::from_utf8(line).ok().map(String::into_boxed_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: u32) -> String {
        let rest: Vec<_> = (0..200).map(|n| format!("\"name-{n}\":{},", n * 7919)).collect();
        let rest = rest.concat();
        format!("{{\"type\":\"system_metrics\",\"n\":{n},{rest}\"end\":0}}")
    }

    #[test]
    fn what_repeats_the_line_before_is_short_and_comes_back() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        for n in 0..WHOLE_EVERY * 2 {
            let message = encoder.encode(&line(n)).unwrap();
            assert!(n % WHOLE_EVERY == 0 || message.len() < line(n).len() / 20, "{}", message.len());
            assert_eq!(decoder.decode(&message), Ok(&*line(n)));
            assert_eq!(decoder.line(), Some(&*line(n)));
        }
    }

    #[test]
    fn who_has_lost_one_is_right_again_with_the_next_whole_one() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let mut read = Vec::new();
        for n in 0..=WHOLE_EVERY {
            let message = encoder.encode(&line(n)).unwrap();
            if n == 3 {
                continue;
            }
            match decoder.decode(&message) {
                Ok(_) => read.push(n),
                Err(why) => assert_eq!(why, Unread::Gap),
            }
        }
        assert_eq!(read, [0, 1, 2, WHOLE_EVERY]);
    }

    #[test]
    fn who_begins_late_is_right_with_the_next_line_where_it_is_asked_for() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        encoder.encode(&line(0)).unwrap();
        assert_eq!(decoder.decode(&encoder.encode(&line(1)).unwrap()), Err(Unread::Gap));
        encoder.begin_anew();
        for n in 2..5 {
            let message = encoder.encode(&line(n)).unwrap();
            assert_eq!((decoder.decode(&message), message[0] == WHOLE), (Ok(&*line(n)), n == 2));
        }
        decoder.forget();
        assert_eq!(decoder.decode(&encoder.encode(&line(5)).unwrap()), Err(Unread::Gap));
    }

    #[test]
    fn garbage_between_two_messages_costs_neither() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        decoder.decode(&encoder.encode(&line(0)).unwrap()).unwrap();
        for garbage in
            [&b"garbage"[..], &[AFTER, 1, 0, 0, 0, 9, 9], &[AFTER, 9, 0, 0, 0, 1], &[WHOLE, 0, 0, 0, 0]]
        {
            assert!(decoder.decode(garbage).is_err());
        }
        assert_eq!(decoder.decode(&encoder.encode(&line(1)).unwrap()), Ok(&*line(1)));
    }

    #[test]
    fn a_small_message_does_not_become_a_large_line() {
        let body = Compressor::new(LEVEL).unwrap().compress(&vec![b'x'; 1 << 30]).unwrap();
        let bomb = [&[WHOLE, 0, 0, 0, 0], &*body].concat();
        assert!(bomb.len() < 1 << 20, "{}", bomb.len());
        assert_eq!(Decoder::default().decode(&bomb), Err(Unread::Wrong));
    }

    #[test]
    fn what_is_no_message_is_none() {
        let good = Encoder::default().encode("x").unwrap();
        let long = Encoder::default().encode(&"x".repeat(MAX_LINE_BYTES + 1)).unwrap();
        for message in [&[][..], &[0; 4], &[0; 20], &[7, 0, 0, 0, 0, 1], &good[..good.len() - 1], &long] {
            assert_eq!(Decoder::default().decode(message), Err(Unread::Wrong));
        }
    }
}
