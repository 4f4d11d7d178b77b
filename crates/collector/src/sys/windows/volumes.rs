//! Space on drives: each asked by a worker, as a share, and a disk that fails, may hang.

use crate::disk::probe::Probes;
use crate::disk::traffic::Device;
use crate::disk::{Space, Usages};
use crate::error::CollectError;
use infiniservice_platform::linux::mounts::Mount;
use infiniservice_platform::win32::volumes_unsafe::{
    self, FIXED, RAM, REMOTE, REMOVABLE, drives, file_system, volume_name,
};
use std::io;
use std::time::Duration;

/// What a worker brings back of one drive.
pub struct Drive {
    space: Space,
    file_system: String,
    volume_name: String,
}

/// The workers for [`usages`].
pub fn probes() -> Probes<Drive> {
    Probes::new(|mount| {
        let root = String::from_utf8_lossy(&mount.place);
        // First, as it says why there is nothing to tell.
        let space = drive_space(&root)?;
        let (file_system, volume_name) = (file_system(&root), volume_name(&root));
        Ok(Drive {
            space,
            file_system: file_system.unwrap_or_default(),
            volume_name: volume_name.unwrap_or_default(),
        })
    })
}

/// Every drive with a letter but those of discs and tapes. A removable one without a medium is left out.
pub fn usages(probes: &mut Probes<Drive>, max: usize, deadline: Duration) -> Usages {
    let told = |kind: u32| matches!(kind, FIXED | RAM | REMOTE | REMOVABLE);
    let drives: Vec<_> = drives().into_iter().filter(|(_, kind)| told(*kind)).collect();
    let mut mounts: Vec<Mount> = drives.iter().map(|(root, kind)| mount(root, *kind)).collect();
    let answers = probes.ask_all(&mounts.iter().collect::<Vec<_>>(), deadline);
    let mut usages = Usages::default();
    for ((mount, (_, kind)), answer) in mounts.iter_mut().zip(&drives).zip(answers) {
        match answer {
            Err(CollectError::Io { .. }) if *kind == REMOVABLE => {}
            _ if usages.total >= max => usages.total += 1,
            answer => {
                usages.total += 1;
                usages.asked += 1;
                let space = answer.map(|drive| drive.described_in(mount));
                usages.take(mount, space);
            }
        }
    }
    usages.list.sort_by(|a, b| a.mount_point.cmp(&b.mount_point));
    usages
}

impl Drive {
    fn described_in(self, mount: &mut Mount) -> Space {
        mount.kind = self.file_system;
        mount.source = self.volume_name.into_bytes();
        self.space
    }
}

/// How full a drive is, by its root.
pub fn drive_space(root: &str) -> io::Result<Space> {
    let volumes_unsafe::Space { total, free, available } = volumes_unsafe::space(root)?;
    Ok(Space { block_bytes: 1, blocks: total, free, available, inodes: 0, free_inodes: 0 })
}

/// Counters of the physical drives.
pub fn devices() -> Vec<Device> {
    let device =
        |from: volumes_unsafe::Device| Device::of_bytes(&from.name, from.read, from.written, from.busy_ms);
    volumes_unsafe::devices().into_iter().map(device).collect()
}

/// The roots of the drives of this machine, with their file systems.
pub fn local_drives() -> Vec<(String, String)> {
    let local = drives().into_iter().filter(|(_, kind)| matches!(*kind, FIXED | RAM));
    local.map(|(root, _)| (root.clone(), file_system(&root).unwrap_or_default())).collect()
}

/// What is known without asking it.
fn mount(root: &str, kind: u32) -> Mount {
    Mount {
        device_id: (0, u32::from(root.as_bytes().first().copied().unwrap_or_default())),
        root: b"/".to_vec(),
        source: Vec::new(),
        kind: String::new(),
        place: root.into(),
        behind_network: kind == REMOTE,
        ..Mount::default()
    }
}
