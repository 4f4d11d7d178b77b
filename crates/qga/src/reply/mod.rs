//! What an executor gives, typed: it stands on the wire as `return`.

mod disks;
mod figures;
mod guarded;
mod network;
mod system;

use crate::error::Error;
use crate::freeze::FreezeStatus;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

pub use disks::{BusType, CcwAddress, Disk, DiskAddress, FileSystem, PciController, Trimmed, TrimmedPath};
pub use figures::{
    CpuStats, DiskCounters, DiskStats, LinuxCpu, MemoryBlock, MemoryBlockChange, MemoryBlockInfo,
    MemoryBlockResponse, Vcpu,
};
pub use guarded::{AuthorizedKeys, ExecPid, ExecStatus, FileRead, FileSeek, FileWrite};
pub use network::{Interface, InterfaceCounters, IpAddress, IpAddressType, Route};
pub use system::{Device, DeviceId, HostName, Info, Load, OsInfo, SupportedCommand, Timezone, User};

/// The result of a command.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// Of commands without a result.
    Empty(Empty),
    /// Of syncs, times, handles, and what was frozen, thawed or done.
    Int(i64),
    /// `guest-fsfreeze-status`.
    FreezeStatus(FreezeStatus),
    /// `guest-info`.
    Info(Info),
    /// `guest-get-osinfo`.
    OsInfo(OsInfo),
    /// `guest-get-host-name`.
    HostName(HostName),
    /// `guest-get-timezone`.
    Timezone(Timezone),
    /// `guest-get-users`.
    Users(Vec<User>),
    /// `guest-get-load`.
    Load(Load),
    /// `guest-get-devices`.
    Devices(Vec<Device>),
    /// `guest-get-vcpus`.
    Vcpus(Vec<Vcpu>),
    /// `guest-get-memory-blocks`.
    MemoryBlocks(Vec<MemoryBlock>),
    /// `guest-set-memory-blocks`.
    MemoryBlockChanges(Vec<MemoryBlockChange>),
    /// `guest-get-memory-block-info`.
    MemoryBlockInfo(MemoryBlockInfo),
    /// `guest-get-cpustats`.
    CpuStats(Vec<CpuStats>),
    /// `guest-get-diskstats`.
    DiskStats(Vec<DiskStats>),
    /// `guest-network-get-interfaces`.
    Interfaces(Vec<Interface>),
    /// `guest-network-get-route`.
    Routes(Vec<Route>),
    /// `guest-get-fsinfo`.
    FileSystems(Vec<FileSystem>),
    /// `guest-get-disks`.
    Disks(Vec<Disk>),
    /// `guest-fstrim`.
    Trimmed(Trimmed),
    /// `guest-exec`.
    ExecPid(ExecPid),
    /// `guest-exec-status`.
    ExecStatus(ExecStatus),
    /// `guest-file-read`.
    FileRead(FileRead),
    /// `guest-file-write`.
    FileWrite(FileWrite),
    /// `guest-file-seek`.
    FileSeek(FileSeek),
    /// `guest-ssh-get-authorized-keys`.
    AuthorizedKeys(AuthorizedKeys),
}

/// An object without members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

impl Reply {
    /// Done, and nothing to tell.
    pub const EMPTY: Self = Self::Empty(Empty {});

    /// The clock, in nanoseconds since 1970.
    ///
    /// # Errors
    /// It stands before that.
    pub fn time(now: SystemTime) -> Result<Self, Error> {
        let since =
            now.duration_since(UNIX_EPOCH).map_err(|_| Error::generic("the clock stands before 1970"))?;
        Ok(Self::Int(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)))
    }
}
