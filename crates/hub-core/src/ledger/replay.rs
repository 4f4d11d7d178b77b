//! A file's bytes to records: what is torn is told, what is damaged or of a later version is refused.

use super::record::{Head, Record, VERSION, content};
use thiserror::Error;

/// What a file holds.
#[derive(Debug, Default, PartialEq)]
pub struct Replayed {
    /// Its records, in their order.
    pub records: Vec<Record>,
    /// How many of its bytes are good; what follows them was being written when the hub or the machine ended.
    pub good_bytes: usize,
    /// How many bytes follow those.
    pub torn_bytes: usize,
}

/// Why a file is not used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// Its first line is another file's.
    #[error("it is no ledger of infinihub")]
    NotOurs,
    /// A later hub wrote it.
    #[error(
        "it has version {found}, and this infinihub reads version {VERSION}: use the infinihub that wrote it"
    )]
    Version {
        /// Its version.
        found: u32,
    },
    /// A record in its midst is not what was written.
    #[error("line {line} is damaged, and good lines follow it: move the file away to start without its jobs")]
    Damaged {
        /// From 1.
        line: usize,
    },
    /// A record is intact, and of no kind that this hub knows.
    #[error("line {line} cannot be read: {error}")]
    Unknown {
        /// From 1.
        line: usize,
        /// In a sentence.
        error: String,
    },
}

/// Reads a file's bytes. An empty file, and one whose first line is torn, is a new one.
///
/// # Errors
/// Where the file must not be used.
pub fn read(bytes: &[u8]) -> Result<Replayed, Unreadable> {
    let mut replayed = Replayed::default();
    let mut torn_line = None;
    for (n, raw) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let json = raw.strip_suffix(b"\n").and_then(content);
        match (json, torn_line) {
            (Some(_), Some(line)) => return Err(Unreadable::Damaged { line }),
            (Some(json), None) => {
                take(json, n + 1, &mut replayed)?;
                replayed.good_bytes += raw.len();
            }
            (None, _) => {
                torn_line.get_or_insert(n + 1);
            }
        }
    }
    replayed.torn_bytes = bytes.len() - replayed.good_bytes;
    if torn_line == Some(1) && !super::head_line().as_bytes().starts_with(bytes) {
        return Err(Unreadable::NotOurs);
    }
    Ok(replayed)
}

fn take(json: &str, line: usize, replayed: &mut Replayed) -> Result<(), Unreadable> {
    if line == 1 {
        let head: Head = serde_json::from_str(json).map_err(|_another| Unreadable::NotOurs)?;
        return match (head.ledger.as_str(), head.version) {
            ("infinihub", VERSION) => Ok(()),
            ("infinihub", found) => Err(Unreadable::Version { found }),
            _ => Err(Unreadable::NotOurs),
        };
    }
    let record =
        serde_json::from_str(json).map_err(|error| Unreadable::Unknown { line, error: error.to_string() })?;
    replayed.records.push(record);
    Ok(())
}
