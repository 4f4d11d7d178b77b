//! Words of arguments, as types.

use crate::error::quoted;
use serde::{Deserialize, Serialize};

/// How to end the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum ShutdownMode {
    /// Off.
    #[default]
    Powerdown,
    /// Halted, with the power on.
    Halt,
    /// Again.
    Reboot,
}

impl TryFrom<String> for ShutdownMode {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        match word.as_str() {
            "powerdown" => Ok(Self::Powerdown),
            "halt" => Ok(Self::Halt),
            "reboot" => Ok(Self::Reboot),
            // The missing bracket is theirs.
            _ => Err("mode is invalid (valid values are: halt|powerdown|reboot"),
        }
    }
}

/// How to open a file, as fopen(3) has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct OpenMode {
    /// The word, for messages.
    pub word: String,
    /// It can be read.
    pub read: bool,
    /// It can be written.
    pub write: bool,
    /// All is written at its end.
    pub append: bool,
    /// It is made where there is none.
    pub create: bool,
    /// What it has is dropped.
    pub truncate: bool,
}

impl Default for OpenMode {
    fn default() -> Self {
        Self { write: false, append: false, create: false, truncate: false, read: true, word: "r".to_owned() }
    }
}

impl TryFrom<String> for OpenMode {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        let plus = match word.get(1..) {
            Some("" | "b") => false,
            Some("+" | "b+" | "+b") => true,
            _ => return Err(invalid(&word)),
        };
        let (read, append, truncate) = match word.get(..1) {
            Some("r") => (true, false, false),
            Some("w") => (plus, false, true),
            Some("a") => (plus, true, false),
            _ => return Err(invalid(&word)),
        };
        let create = append || truncate;
        Ok(Self { word, read, write: plus || create, append, create, truncate })
    }
}

fn invalid(word: &str) -> String {
    format!("invalid file open mode '{}'", quoted(word))
}

impl From<OpenMode> for String {
    fn from(mode: OpenMode) -> Self {
        mode.word
    }
}

/// What of a program's output is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", from = "RawCapture")]
pub enum Capture {
    /// Nothing.
    #[default]
    None,
    /// The standard output.
    Stdout,
    /// The standard error.
    Stderr,
    /// Both, each by itself.
    Separated,
    /// Both as they come, in one.
    Merged,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum CaptureWord {
    None,
    Stdout,
    Stderr,
    Separated,
    Merged,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawCapture {
    Both(bool),
    Word(CaptureWord),
}

impl From<RawCapture> for Capture {
    fn from(raw: RawCapture) -> Self {
        match raw {
            RawCapture::Both(false) | RawCapture::Word(CaptureWord::None) => Self::None,
            RawCapture::Both(true) | RawCapture::Word(CaptureWord::Separated) => Self::Separated,
            RawCapture::Word(CaptureWord::Stdout) => Self::Stdout,
            RawCapture::Word(CaptureWord::Stderr) => Self::Stderr,
            RawCapture::Word(CaptureWord::Merged) => Self::Merged,
        }
    }
}

/// From where to seek.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "RawWhence")]
pub enum Whence {
    /// The beginning: 0.
    Set,
    /// Where it stands: 1.
    Cur,
    /// The end: 2.
    End,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawWhence {
    Code(i64),
    Word(String),
}

impl TryFrom<RawWhence> for Whence {
    type Error = String;

    fn try_from(raw: RawWhence) -> Result<Self, String> {
        match raw {
            RawWhence::Code(0) => Ok(Self::Set),
            RawWhence::Code(1) => Ok(Self::Cur),
            RawWhence::Code(2) => Ok(Self::End),
            RawWhence::Code(code) => Err(format!("invalid whence code {code}")),
            RawWhence::Word(word) => match word.as_str() {
                "set" => Ok(Self::Set),
                "cur" => Ok(Self::Cur),
                "end" => Ok(Self::End),
                other => Err(format!("Parameter 'whence' does not accept value '{}'", quoted(other))),
            },
        }
    }
}
