//! Programs, files and keys.
#![allow(missing_docs, reason = "names and meanings are those of the protocol")]

use crate::bytes::Bytes;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecPid {
    /// Above 0: clients look at that.
    pub pid: i64,
}

/// Output and whether it was cut stand together, and only where there was any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExecStatus {
    pub exited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exitcode: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_data: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err_data: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_truncated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err_truncated: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FileRead {
    pub count: u64,
    #[serde(rename = "buf-b64")]
    pub bytes: Bytes,
    /// Only where the end was met.
    pub eof: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileWrite {
    pub count: u64,
    pub eof: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSeek {
    pub position: u64,
    pub eof: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizedKeys {
    pub keys: Vec<String>,
}
