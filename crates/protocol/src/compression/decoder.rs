//! The host's end of compressed lines. What a guest sends is not trusted: a line takes no more memory than its bound, whatever it
//! says of itself.

use super::{Codec, Compressed, dictionary, is_compressed};
use crate::checksum::crc32;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lz4_flex::block::decompress_into_with_dict;

/// A byte of a block makes at most so many of the line: what claims more is not even tried.
const MAX_RATIO: usize = 255;

/// Reads the compressed lines of one connection; a new connection needs a new one.
#[derive(Clone, Debug)]
pub struct Decoder {
    max_line_bytes: usize,
    /// The line that the next one may refer to: its number, and its end.
    before: Option<(u64, Vec<u8>)>,
}

/// Why a compressed line could not be read. The host then sends `ZReset`, and a later line stands alone again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Garbled {
    /// A member is missing or of the wrong type.
    #[error("the compressed line cannot be parsed: {0}")]
    NoLine(String),
    /// Compressed with what this version does not know.
    #[error("the line is compressed with something that was not asked for")]
    UnknownCodec,
    /// Longer than allowed, if one believes it.
    #[error("the compressed line claims {claimed} bytes; at most {max} are taken")]
    TooLong {
        /// What it says.
        claimed: usize,
        /// The bound.
        max: usize,
    },
    /// The line that it refers to is not the last one that was read.
    #[error("the compressed line refers to line {prev}, which is not there")]
    UnknownPrev {
        /// The number of that line.
        prev: u64,
    },
    /// Not what the compression makes, or of another length than it says.
    #[error("the compressed line's bytes are damaged")]
    BadBlock,
    /// The line within is not the one that was compressed.
    #[error("the compressed line's checksum is wrong")]
    WrongChecksum,
    /// The line within is no line.
    #[error("the compressed line does not hold one line of text")]
    NoText,
}

impl Decoder {
    /// For lines of at most `max_line_bytes`, once they are decompressed.
    pub const fn new(max_line_bytes: usize) -> Self {
        Self { max_line_bytes, before: None }
    }

    /// The line within a compressed one, without its newline; `None` where the line is not compressed.
    ///
    /// # Errors
    /// Where it cannot be read. What was read before still counts.
    pub fn decode(&mut self, line: &str) -> Result<Option<String>, Garbled> {
        if !is_compressed(line) {
            return Ok(None);
        }
        let coded: Compressed =
            serde_json::from_str(line).map_err(|error| Garbled::NoLine(error.to_string()))?;
        let text = self.decompress(&coded)?;
        if coded.crc != format!("{:08x}", crc32(&text)) {
            return Err(Garbled::WrongChecksum);
        }
        let end = coded.n.map(|n| (n, dictionary(&text).to_vec()));
        let text = String::from_utf8(text).ok().filter(|text| !text.contains('\n') && !is_compressed(text));
        let text = text.ok_or(Garbled::NoText)?;
        self.before = end.or_else(|| self.before.take());
        Ok(Some(text))
    }

    fn decompress(&self, coded: &Compressed) -> Result<Vec<u8>, Garbled> {
        let (claimed, max) = (coded.len, self.max_line_bytes);
        if Codec::from_name(&coded.c) != Some(Codec::Lz4) {
            return Err(Garbled::UnknownCodec);
        }
        if claimed > max {
            return Err(Garbled::TooLong { claimed, max });
        }
        let dictionary = self.dictionary(coded.prev)?;
        let block = STANDARD.decode(coded.d.as_bytes()).map_err(|_no_base64| Garbled::BadBlock)?;
        if claimed > block.len().saturating_mul(MAX_RATIO) {
            return Err(Garbled::BadBlock);
        }
        let mut text = vec![0; claimed];
        let made = decompress_into_with_dict(&block, &mut text, dictionary);
        if made.is_ok_and(|made| made == claimed) { Ok(text) } else { Err(Garbled::BadBlock) }
    }

    fn dictionary(&self, prev: Option<u64>) -> Result<&[u8], Garbled> {
        let Some(prev) = prev else { return Ok(&[]) };
        let before = self.before.as_ref().filter(|(n, _)| *n == prev);
        before.map(|(_, text)| text.as_slice()).ok_or(Garbled::UnknownPrev { prev })
    }
}
