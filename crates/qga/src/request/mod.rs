//! What a host asks for, typed. Arguments were checked against the table before.

mod modes;

use crate::bytes::Bytes;
use crate::error::{Error, quoted};
use crate::json::{Json, members_value};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use modes::{Capture, OpenMode, ShutdownMode, Whence};

/// The year 2070, in nanoseconds since 1970: no clock is set to it or beyond.
const END_OF_TIME_NS: i64 = 3_155_760_000 * 1_000_000_000;

/// A command for the executor. Texts of users' keys and all bytes are left out of its `Debug` text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all_fields = "kebab-case", deny_unknown_fields)]
#[allow(missing_docs, reason = "names and meanings are those of the table of commands")]
pub enum Request {
    #[serde(rename = "guest-get-time")]
    GetTime,
    #[serde(rename = "guest-set-time")]
    SetTime { time: Option<i64> },
    #[serde(rename = "guest-get-osinfo")]
    GetOsInfo,
    #[serde(rename = "guest-get-host-name")]
    GetHostName,
    #[serde(rename = "guest-get-timezone")]
    GetTimezone,
    #[serde(rename = "guest-get-users")]
    GetUsers,
    #[serde(rename = "guest-get-load")]
    GetLoad,
    #[serde(rename = "guest-shutdown")]
    Shutdown {
        #[serde(default)]
        mode: ShutdownMode,
    },
    #[serde(rename = "guest-suspend-ram")]
    SuspendRam,
    #[serde(rename = "guest-suspend-disk")]
    SuspendDisk,
    #[serde(rename = "guest-suspend-hybrid")]
    SuspendHybrid,
    #[serde(rename = "guest-fsfreeze-freeze")]
    Freeze,
    #[serde(rename = "guest-fsfreeze-freeze-list")]
    FreezeList { mountpoints: Option<Vec<String>> },
    #[serde(rename = "guest-fsfreeze-thaw")]
    Thaw,
    #[serde(rename = "guest-fstrim")]
    Trim {
        #[serde(default)]
        minimum: i64,
    },
    #[serde(rename = "guest-get-vcpus")]
    GetVcpus,
    #[serde(rename = "guest-set-vcpus")]
    SetVcpus { vcpus: Vec<SetVcpu> },
    #[serde(rename = "guest-get-memory-blocks")]
    GetMemoryBlocks,
    #[serde(rename = "guest-set-memory-blocks")]
    SetMemoryBlocks {
        #[serde(rename = "mem-blks")]
        blocks: Vec<SetMemoryBlock>,
    },
    #[serde(rename = "guest-get-memory-block-info")]
    GetMemoryBlockInfo,
    #[serde(rename = "guest-get-cpustats")]
    GetCpuStats,
    #[serde(rename = "guest-get-diskstats")]
    GetDiskStats,
    #[serde(rename = "guest-network-get-interfaces")]
    GetInterfaces,
    #[serde(rename = "guest-network-get-route")]
    GetRoutes,
    #[serde(rename = "guest-get-fsinfo")]
    GetFsInfo,
    #[serde(rename = "guest-get-disks")]
    GetDisks,
    #[serde(rename = "guest-get-devices")]
    GetDevices,
    #[serde(rename = "guest-exec")]
    Exec {
        path: String,
        #[serde(default)]
        arg: Vec<String>,
        env: Option<Vec<String>>,
        input_data: Option<Bytes>,
        #[serde(default)]
        capture_output: Capture,
    },
    #[serde(rename = "guest-exec-status")]
    ExecStatus { pid: i64 },
    #[serde(rename = "guest-file-open")]
    FileOpen {
        path: String,
        #[serde(default)]
        mode: OpenMode,
    },
    #[serde(rename = "guest-file-close")]
    FileClose { handle: i64 },
    #[serde(rename = "guest-file-read")]
    FileRead { handle: i64, count: Option<u64> },
    #[serde(rename = "guest-file-write")]
    FileWrite {
        handle: i64,
        #[serde(rename = "buf-b64")]
        bytes: Bytes,
        count: Option<u64>,
    },
    #[serde(rename = "guest-file-seek")]
    FileSeek { handle: i64, offset: i64, whence: Whence },
    #[serde(rename = "guest-file-flush")]
    FileFlush { handle: i64 },
    #[serde(rename = "guest-set-user-password")]
    SetUserPassword { username: String, password: Bytes, crypted: bool },
    #[serde(rename = "guest-ssh-get-authorized-keys")]
    SshGetKeys { username: String },
    #[serde(rename = "guest-ssh-add-authorized-keys")]
    SshAddKeys {
        username: String,
        keys: Vec<String>,
        #[serde(default)]
        reset: bool,
    },
    #[serde(rename = "guest-ssh-remove-authorized-keys")]
    SshRemoveKeys { username: String, keys: Vec<String> },
}

/// A processor to take online or offline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SetVcpu {
    /// Its number.
    pub logical_id: i64,
    /// What it is to be.
    pub online: bool,
}

/// A memory block to take online or offline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SetMemoryBlock {
    /// Its number.
    pub phys_index: u64,
    /// What it is to be.
    pub online: bool,
}

impl Request {
    /// Reads arguments that fit the table's row of this name.
    pub(crate) fn read(
        name: &str,
        wants_arguments: bool,
        arguments: Vec<(String, Json)>,
    ) -> Result<Self, Error> {
        let value = if wants_arguments {
            Value::Object([(name.to_owned(), members_value(arguments))].into_iter().collect())
        } else {
            Value::String(name.to_owned())
        };
        let request: Self =
            serde_json::from_value(value).map_err(|error| Error::generic(error.to_string()))?;
        request.checked()
    }

    /// What no type says.
    fn checked(mut self) -> Result<Self, Error> {
        match &mut self {
            Self::SetTime { time: Some(time) } => check_time(*time)?,
            Self::FileWrite { bytes, count: Some(count), .. } if *count > bytes.0.len() as u64 => {
                return Err(Error::generic(format!("value '{count}' is invalid for argument count")));
            }
            Self::SetUserPassword { username, password, .. } => check_password(username, &password.0)?,
            Self::SshAddKeys { keys, .. } | Self::SshRemoveKeys { keys, .. } => check_keys(keys)?,
            _ => {}
        }
        Ok(self)
    }
}

fn check_time(time: i64) -> Result<(), Error> {
    match time {
        ..0 => Err(Error::generic("Failed to set time to guest: Invalid argument")),
        END_OF_TIME_NS.. => Err(Error::generic("Invalid time")),
        _ => Ok(()),
    }
}

/// Both go to `chpasswd` as one line.
fn check_password(username: &str, password: &[u8]) -> Result<(), Error> {
    if password.contains(&b'\n') || password.contains(&0) {
        return Err(Error::generic("forbidden characters in raw password"));
    }
    if username.contains([':', '\n', '\0']) {
        return Err(Error::generic("forbidden characters in username"));
    }
    Ok(())
}

/// virsh ends its lists with an empty text.
fn check_keys(keys: &mut Vec<String>) -> Result<(), Error> {
    keys.retain(|key| !key.is_empty());
    let bad = keys.iter().find(|key| key.starts_with('#') || key.contains(['\n', '\r', '\0']));
    bad.map_or(Ok(()), |key| Err(Error::generic(format!("invalid OpenSSH public key: '{}'", quoted(key)))))
}
