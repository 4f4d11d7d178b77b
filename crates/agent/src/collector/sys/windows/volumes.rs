//! Space on drives: local ones asked at once, shares by workers, as they may hang.

use super::volumes_unsafe::{FIXED, RAM, REMOTE, REMOVABLE, drives, file_system, space, volume_name};
use crate::collector::disk::mounts::Mount;
use crate::collector::disk::probe::Probes;
use crate::collector::disk::usage::{Space, Usages};
use crate::collector::error::CollectError;
use std::io;
use std::time::Duration;

/// The workers for [`usages`].
pub fn probes() -> Probes {
    Probes::new(|place| space(&String::from_utf8_lossy(place)))
}

/// Every drive with a letter but those of discs and tapes. A removable one without a medium is left out.
pub fn usages(probes: &mut Probes, max: usize, deadline: Duration) -> Usages {
    let mut mounts: Vec<Mount> = drives().into_iter().filter_map(|(root, kind)| mount(root, kind)).collect();
    let mut usages = Usages { total: mounts.len(), ..Usages::default() };
    mounts.truncate(max);
    let (remote, local): (Vec<_>, Vec<_>) = mounts.iter().partition(|mount| mount.behind_network);
    for mount in local {
        let asked = drive_space(&mount.mount_point_text());
        usages.take(mount, asked.map_err(|e| CollectError::io(mount.mount_point_text(), e)));
    }
    for (mount, asked) in remote.iter().zip(probes.ask_all(&remote, deadline)) {
        usages.take(mount, asked);
    }
    usages.list.sort_by(|a, b| a.mount_point.cmp(&b.mount_point));
    usages
}

/// How full a drive is, by its root.
pub fn drive_space(root: &str) -> io::Result<Space> {
    space(root)
}

/// The roots of the drives of this machine, with their file systems.
pub fn local_drives() -> Vec<(String, String)> {
    let local = drives().into_iter().filter(|(_, kind)| matches!(*kind, FIXED | RAM));
    local.map(|(root, _)| (root.clone(), file_system(&root).unwrap_or_default())).collect()
}

fn mount(root: String, kind: u32) -> Option<Mount> {
    let remote = kind == REMOTE;
    let known = if remote { None } else { file_system(&root) };
    match kind {
        FIXED | RAM | REMOTE => {}
        REMOVABLE if known.is_some() => {}
        _ => return None,
    }
    Some(Mount {
        device_id: (0, u32::from(root.as_bytes().first().copied().unwrap_or_default())),
        root: b"/".to_vec(),
        source: if remote { Vec::new() } else { volume_name(&root).unwrap_or_default().into_bytes() },
        kind: known.unwrap_or_default(),
        place: root.into_bytes(),
        behind_network: remote,
    })
}
