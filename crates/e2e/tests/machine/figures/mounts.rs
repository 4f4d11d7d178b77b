//! Mounts that are no file systems of their own, and one that never answers.

use crate::support::{Undo, equal, metrics, with_host};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;

pub const SCENARIOS: &[Scenario] = &[
    ("figures::mounts::bind_mounts_overlays_and_memory_are_not_counted", not_counted),
    ("figures::mounts::a_mount_that_never_answers_is_named_and_costs_the_rest_nothing", hung),
];

fn mount_points(guest: &Guest) -> Result<Vec<String>> {
    let own = with_host(guest, |client| metrics(guest, client))?.data.system.disk.usage_stats;
    Ok(own.into_iter().map(|usage| usage.mount_point).collect())
}

fn not_counted(guest: &Guest) -> Result<()> {
    let before = mount_points(guest)?;
    let _undo = Undo::by(
        guest,
        "for n in merged bind memory; do umount /root/lab/$n; done; umount /root/lab/whole; rm -rf --one-file-system /root/lab",
    );
    guest.sh("cd /root && mkdir -p lab && cd lab && mkdir lower upper work merged bind whole memory && \
         mount --bind /etc bind && mount -t tmpfs -o size=8M none memory && \
         mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged && mount --bind / whole && \
         [ $(findmnt -rn -o TARGET | grep -c ^/root/lab/) -ge 4 ]")?;
    equal("mount points", mount_points(guest)?, before)
}

/// A FUSE mount whose daemon reads nothing: whoever asks for its free space waits for good. That answers come at all
/// shows that the collection did not wait with it.
fn hung(guest: &Guest) -> Result<()> {
    let before = mount_points(guest)?;
    let undo = Undo::by(guest, "systemctl stop lab-hung; umount -l /mnt/lab-hung; rmdir /mnt/lab-hung");
    guest.sh("modprobe fuse; mkdir -p /mnt/lab-hung; systemd-run -q --unit lab-hung sh -c 'exec 3<>/dev/fuse && \
        mount -i -t fuse.sshfs -o fd=3,rootmode=40000,user_id=0,group_id=0 dead:/export /mnt/lab-hung && exec sleep 1000'")?;
    guest.until("it is mounted", |guest| {
        guest.sh("grep -c lab-hung /proc/mounts || true").map(|n| n == "1")
    })?;
    with_host(guest, |client| {
        for _ in 0..3 {
            let own = metrics(guest, client)?;
            let failed = own.collection.failed.iter().find(|failed| failed.error.contains("/mnt/lab-hung"));
            ensure!(
                failed.is_some_and(|failed| failed.collector == "disk_usage"),
                "{:?}",
                own.collection.failed
            );
            let told = own.data.system.disk.usage_stats.into_iter().map(|usage| usage.mount_point);
            equal("the other mount points", told.collect::<Vec<_>>(), before.clone())?;
            ensure!(!own.data.processes.is_empty() && !own.data.services.is_empty(), "{:?}", own.collection);
        }
        Ok(())
    })?;
    let workers =
        "grep -l file-systems /proc/$(systemctl show -p MainPID --value infiniservice)/task/*/comm | wc -l";
    equal("workers that wait for it", guest.sh(workers)?.as_str(), "1")?;
    drop(undo);
    guest.until("the worker comes back", |guest| Ok(guest.sh(workers)? == "0"))?;
    let failed = with_host(guest, |client| metrics(guest, client))?.collection.failed;
    ensure!(!failed.iter().any(|failed| failed.error.contains("lab-hung")), "{failed:?}");
    Ok(())
}
