//! Volumes, the physical disks below them, and their unused blocks: those the system's own program gives back, as it knows which
//! volumes can do it.

use super::told;
use infiniservice_exec::{Cancellation, Request as Run, Runner};
use infiniservice_platform::win32::disks_unsafe::{self, Disk};
use infiniservice_platform::win32::volumes_unsafe::{self, FIXED, RAM, REMOVABLE, Volume, drives};
use infiniservice_qga::reply::{FileSystem, Trimmed, TrimmedPath};
use infiniservice_qga::windows::{self, PhysicalDisk};
use infiniservice_qga::{Error, Reply};
use std::time::Duration;

/// What the protocol calls a volume that is mounted nowhere.
const WITHOUT_PATH: &str = "System Reserved";

/// `guest-get-disks`.
pub fn disks() -> Reply {
    Reply::Disks(disks_unsafe::disks().iter().map(|disk| windows::disk(&physical(disk))).collect())
}

fn physical(disk: &Disk) -> PhysicalDisk<'_> {
    PhysicalDisk {
        number: disk.number,
        descriptor: &disk.descriptor,
        scsi: &disk.scsi,
        controller: disk.controller.map(|place| (place.bus, place.slot_and_function)),
    }
}

/// `guest-get-fsinfo`: volumes with a file system, of this machine.
pub fn volumes() -> Result<Reply, Error> {
    let volumes = volumes_unsafe::volumes().map_err(|error| told("failed to find any volume", error))?;
    let local = volumes.iter().filter(|volume| matches!(volume.kind, FIXED | RAM | REMOVABLE));
    let disks = disks_unsafe::disks();
    Ok(Reply::FileSystems(local.filter_map(|volume| file_system(volume, &disks)).collect()))
}

/// `None`: it has none that the system knows, or no medium is in it.
fn file_system(volume: &Volume, disks: &[Disk]) -> Option<FileSystem> {
    let kind = volumes_unsafe::file_system(volume.root())?;
    let space = volumes_unsafe::space(volume.root()).ok();
    let numbers = windows::numbers(&disks_unsafe::extents(volume.name.trim_end_matches('\\')));
    let below = disks.iter().filter(|disk| numbers.contains(&disk.number));
    Some(FileSystem {
        name: volume.name.clone(),
        mountpoint: volume.paths.first().cloned().unwrap_or_else(|| WITHOUT_PATH.to_owned()),
        kind,
        disk: below.map(|disk| windows::address(&physical(disk))).collect(),
        used_bytes: space.map(|space| space.total.saturating_sub(space.free)),
        total_bytes: space.map(|space| space.total),
        total_bytes_privileged: None,
    })
}

/// How long one volume may take.
const TIMEOUT: Duration = Duration::from_secs(600);

/// `guest-fstrim`, of each fixed drive. What fails costs its own drive.
pub async fn trim(runner: &dyn Runner) -> Result<Reply, Error> {
    let mut paths = Vec::new();
    for (root, _) in drives().into_iter().filter(|(_, kind)| *kind == FIXED) {
        let run = Run::new("defrag", [root.trim_end_matches('\\'), "/L"]);
        let error = match runner.run(run, &Cancellation::for_at_most(TIMEOUT)).await {
            Ok(finished) if finished.succeeded() => None,
            Ok(finished) => Some(why(&finished.stdout.text).unwrap_or("trim not supported").to_owned()),
            Err(error) => Some(error.to_string()),
        };
        paths.push(TrimmedPath { path: root, trimmed: None, minimum: None, error });
    }
    Ok(Reply::Trimmed(Trimmed { paths }))
}

/// Its line with the number of the error.
fn why(said: &str) -> Option<&str> {
    said.lines().map(str::trim).find(|line| line.contains("(0x"))
}
