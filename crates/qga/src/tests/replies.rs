//! Recorded results as typed replies: what cannot be read as the command's own type is a fault of the type.

use crate::Reply;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn read<T: DeserializeOwned>(value: Value) -> T {
    let text = value.to_string();
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What the command of this name would have told.
pub fn reply(command: &str, value: Value) -> Reply {
    match command {
        "guest-get-osinfo" => Reply::OsInfo(read(value)),
        "guest-get-host-name" => Reply::HostName(read(value)),
        "guest-get-timezone" => Reply::Timezone(read(value)),
        "guest-get-users" => Reply::Users(read(value)),
        "guest-get-load" => Reply::Load(read(value)),
        "guest-get-devices" => Reply::Devices(read(value)),
        "guest-get-vcpus" => Reply::Vcpus(read(value)),
        "guest-get-memory-blocks" => Reply::MemoryBlocks(read(value)),
        "guest-set-memory-blocks" => Reply::MemoryBlockChanges(read(value)),
        "guest-get-memory-block-info" => Reply::MemoryBlockInfo(read(value)),
        "guest-get-cpustats" => Reply::CpuStats(read(value)),
        "guest-get-diskstats" => Reply::DiskStats(read(value)),
        "guest-network-get-interfaces" => Reply::Interfaces(read(value)),
        "guest-network-get-route" => Reply::Routes(read(value)),
        "guest-get-fsinfo" => Reply::FileSystems(read(value)),
        "guest-get-disks" => Reply::Disks(read(value)),
        "guest-fstrim" => Reply::Trimmed(read(value)),
        "guest-exec" => Reply::ExecPid(read(value)),
        "guest-exec-status" => Reply::ExecStatus(read(value)),
        "guest-file-read" => Reply::FileRead(read(value)),
        "guest-file-write" => Reply::FileWrite(read(value)),
        "guest-file-seek" => Reply::FileSeek(read(value)),
        "guest-ssh-get-authorized-keys" => Reply::AuthorizedKeys(read(value)),
        _ if value.is_i64() => Reply::Int(read(value)),
        _ => Reply::Empty(read(value)),
    }
}
