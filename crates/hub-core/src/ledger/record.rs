//! The records, and their lines.

use super::Outcome;
use infiniservice_protocol::checksum::crc32;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the format that this hub writes.
pub const VERSION: u32 = 1;

/// A job as it was accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// Its id.
    pub id: String,
    /// Who started it.
    pub actor: String,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// As it was asked for.
    pub selector: String,
    /// The machines that were selected then.
    pub targets: Vec<String>,
    /// Those of them, by their places, that the hub did not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<u32>,
    /// The guest's message, without its id.
    pub message: Map<String, Value>,
    /// Whether it changes anything.
    pub change: bool,
    /// How long an answer may take.
    pub patience_secs: u64,
    /// Machines at one time.
    pub max_concurrency: u32,
    /// With more failures than that, no further machine begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<u32>,
    /// Until when a machine may begin, in milliseconds since 1970.
    pub not_after: u64,
}

impl Accepted {
    /// What its message and its selector take, in bytes.
    pub fn bytes(&self) -> usize {
        let message = serde_json::to_string(&self.message).unwrap_or_default();
        message.len() + self.selector.len()
    }
}

/// One thing that happened to a job. `at` is in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// It was accepted.
    Accepted(Box<Accepted>),
    /// It has more machines.
    Added {
        /// The job.
        job: String,
        /// The machines, of which it had none.
        targets: Vec<String>,
        /// Those of them, by their places here, that the hub did not have.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        absent: Vec<u32>,
        /// When.
        at: u64,
    },
    /// A machine's command is about to be written to that process of the agent.
    Sent {
        /// The job.
        job: String,
        /// The machine's place in it.
        target: u32,
        /// `hello.instance`; empty where the agent has none.
        instance: String,
        /// When.
        at: u64,
    },
    /// The command was not carried out and its turn comes again: the guest was too busy, nothing was written, or it was a read
    /// whose agent is gone.
    Back {
        /// The job.
        job: String,
        /// The machine's place in it.
        target: u32,
        /// When.
        at: u64,
    },
    /// A machine's part has ended.
    Ended {
        /// The job.
        job: String,
        /// The machine's place in it.
        target: u32,
        /// How.
        outcome: Outcome,
        /// The guest's code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// In a sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// The guest's answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<String>,
        /// When.
        at: u64,
    },
    /// All that had not begun have ended.
    Rest {
        /// The job.
        job: String,
        /// How.
        outcome: Outcome,
        /// In a sentence.
        text: String,
        /// When.
        at: u64,
    },
    /// Somebody wants no more of it.
    Cancelled {
        /// The job.
        job: String,
        /// Who.
        actor: String,
        /// When.
        at: u64,
    },
    /// It is not kept any more.
    Forgotten {
        /// The job.
        job: String,
    },
}

impl Record {
    /// The job that it is about.
    pub fn job(&self) -> &str {
        match self {
            Self::Accepted(accepted) => &accepted.id,
            Self::Added { job, .. }
            | Self::Sent { job, .. }
            | Self::Back { job, .. }
            | Self::Ended { job, .. }
            | Self::Rest { job, .. }
            | Self::Cancelled { job, .. }
            | Self::Forgotten { job } => job,
        }
    }
}

/// The first line of a file.
#[derive(Serialize, Deserialize)]
pub(super) struct Head {
    pub ledger: String,
    pub version: u32,
}

/// The first line of a file, with its `\n`.
pub fn head_line() -> String {
    checked(&Head { ledger: "infinihub".to_owned(), version: VERSION })
}

/// A record's line, with its `\n`.
pub fn line(record: &Record) -> String {
    checked(record)
}

fn checked<T: Serialize>(value: &T) -> String {
    // Infallible: every key is a text, and nothing here serialises by hand.
    let json = serde_json::to_string(value).unwrap_or_default();
    format!("{:08x} {json}\n", crc32(json.as_bytes()))
}

/// The JSON of a line whose checksum is right.
pub(super) fn content(line: &[u8]) -> Option<&str> {
    let (sum, json) = line.split_at_checked(9)?;
    let sum = std::str::from_utf8(sum).ok()?.strip_suffix(' ')?;
    let right = u32::from_str_radix(sum, 16).ok()? == crc32(json);
    std::str::from_utf8(json).ok().filter(|_| right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_that_everybody_has() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(head_line(), "f7e86484 {\"ledger\":\"infinihub\",\"version\":1}\n");
    }

    #[test]
    fn a_line_with_another_byte_is_none() {
        let line = line(&Record::Forgotten { job: "j".into() });
        let good = line.trim_end().as_bytes();
        assert_eq!(content(good), Some(r#"{"record":"forgotten","job":"j"}"#));
        for n in 0..good.len() {
            let mut bad = good.to_vec();
            bad[n] ^= 1;
            assert_eq!(content(&bad), None, "{n}");
        }
    }
}
