//! A `.tar.gz` of some texts, for bug reports. Nothing is compressed (RFC 1951, stored blocks): that takes no library, and
//! every tool opens it.

use crate::checksum::crc32;
use std::time::{SystemTime, UNIX_EPOCH};

/// Longest name of a file in it: the header has room for so many bytes (POSIX ustar).
pub const MAX_NAME_BYTES: usize = 100;
/// Most bytes of one file; the rest is cut, and a line at the file's end says so.
pub const MAX_FILE_BYTES: usize = 2 << 20;
/// A stored block's length has 16 bits.
const BLOCK_BYTES: usize = 65_535;
/// tar's own blocks.
const RECORD: usize = 512;

/// Files in one directory.
#[derive(Debug, Default)]
pub struct Bundle {
    directory: String,
    secrets: Vec<String>,
    files: Vec<(String, Vec<u8>)>,
}

impl Bundle {
    /// Everything below this directory.
    pub fn new(directory: &str) -> Self {
        Self { directory: directory.to_owned(), ..Self::default() }
    }

    /// A text that no file may hold, wherever it comes from.
    pub fn hide(&mut self, secret: &str) {
        if !secret.is_empty() {
            self.secrets.push(secret.to_owned());
            // As JSON has it, too.
            let escaped: String = secret.escape_default().collect();
            self.secrets.push(escaped);
        }
    }

    /// Adds a file. What is too long is cut, and says so.
    pub fn add(&mut self, name: &str, text: &str) {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), "(secret removed)");
        }
        let mut bytes = text.into_bytes();
        if bytes.len() > MAX_FILE_BYTES {
            let note = format!("\n(cut here; it had {} bytes)\n", bytes.len());
            bytes.truncate(MAX_FILE_BYTES);
            bytes.extend(note.bytes());
        }
        self.files.push((name.to_owned(), bytes));
    }

    /// What is in it: a line for each file, with its size.
    pub fn contents(&self) -> Vec<String> {
        let line =
            |(name, bytes): &(String, Vec<u8>)| format!("{}/{name} ({} bytes)", self.directory, bytes.len());
        self.files.iter().map(line).collect()
    }

    /// The archive's bytes; all files bear `now`.
    pub fn to_tar_gz(&self, now: SystemTime) -> Vec<u8> {
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut tar = Vec::new();
        for (name, bytes) in &self.files {
            tar.extend(header(&format!("{}/{name}", self.directory), bytes.len(), seconds));
            tar.extend(bytes);
            tar.resize(tar.len().next_multiple_of(RECORD), 0);
        }
        tar.resize(tar.len() + 2 * RECORD, 0);
        gzip(&tar)
    }
}

/// A header of POSIX's ustar: a regular file of root's, for its owner's eyes.
fn header(name: &str, size: usize, seconds: u64) -> [u8; RECORD] {
    let mut header = [0; RECORD];
    let mut put = |at: usize, text: &[u8]| {
        for (place, byte) in header.iter_mut().skip(at).zip(text) {
            *place = *byte;
        }
    };
    put(0, name.as_bytes().get(..MAX_NAME_BYTES).unwrap_or(name.as_bytes()));
    put(100, b"0000600\x000000000\x000000000\0");
    put(124, format!("{size:011o}\0{seconds:011o}\0").as_bytes());
    put(148, b"        0");
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    for (place, byte) in header.iter_mut().skip(148).zip(format!("{sum:06o}\0 ").bytes()) {
        *place = byte;
    }
    header
}

/// RFC 1952 around stored blocks.
fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = data.chunks(BLOCK_BYTES).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32(data).to_le_bytes());
    // By the format, the length modulo 2^32.
    out.extend(((data.len() & 0xffff_ffff) as u32).to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_its_checksum_and_the_size_in_octal() {
        let header = header("d/a.txt", 5, 0);
        assert_eq!(&header[124..136], b"00000000005\0");
        let told = u32::from_str_radix(std::str::from_utf8(&header[148..154]).unwrap(), 8).unwrap();
        let mut blank = header;
        blank[148..156].fill(b' ');
        assert_eq!(told, blank.iter().map(|byte| u32::from(*byte)).sum::<u32>());
    }

    #[test]
    fn no_file_holds_the_secret_and_a_long_one_is_cut() {
        let mut bundle = Bundle::new("report");
        bundle.hide("a \"quoted\" secret");
        bundle.add("a.json", "x a \"quoted\" secret y a \\\"quoted\\\" secret z");
        bundle.add("long.txt", &"x".repeat(3 * MAX_FILE_BYTES));
        let bytes = bundle.to_tar_gz(UNIX_EPOCH);
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("quoted") && text.contains("x (secret removed) y (secret removed) z"));
        assert!(text.contains("(cut here; it had 6291456 bytes)"));
        assert_eq!(bundle.contents()[0], "report/a.json (39 bytes)");
    }
}
