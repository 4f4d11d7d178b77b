//! `Autochecks` on file systems and disks: full ones, read-only ones, damaged ones, and a cleanup that frees one.

use super::{ask, checked, expect, of, one, remedy};
use crate::support::{Undo, with_host};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::data::{CheckStatus, Health};
use serde_json::json;

pub const SCENARIOS: &[Scenario] = &[
    ("autochecks::a_full_small_file_system_is_found_and_freed_again", full_disk),
    ("autochecks::a_full_package_cache_is_freed_by_its_own_remediation", full_cache),
    ("autochecks::a_file_system_without_inodes_is_found", inodes),
    ("autochecks::a_remount_that_fstab_does_not_want_is_found", read_only),
    ("autochecks::errors_of_a_disk_and_of_a_file_system_are_told_in_the_kernels_words", disk_errors),
];

/// A file system of 16 MB in a file, mounted at `/srv/lab-small` while this lives.
fn small_disk(guest: &Guest, inodes: u32) -> Result<Undo<'_>> {
    let undo = Undo::by(guest, "umount /srv/lab-small; rm -f /var/tmp/lab-small.img; rmdir /srv/lab-small");
    guest.sh(&format!(
        "mkdir -p /srv/lab-small && truncate -s 16M /var/tmp/lab-small.img && \
         mkfs.ext4 -q -m 0 -N {inodes} /var/tmp/lab-small.img && mount -o loop /var/tmp/lab-small.img /srv/lab-small"
    ))?;
    Ok(undo)
}

fn full_disk(guest: &Guest) -> Result<()> {
    let _disk = small_disk(guest, 1024)?;
    with_host(guest, |client| {
        expect(&one(guest, client, "disk_space")?, CheckStatus::Passed, "")?;
        guest.sh("dd if=/dev/zero of=/srv/lab-small/fill bs=64k status=none 2>/dev/null || true")?;
        let full = one(guest, client, "disk_space")?;
        expect(&full, CheckStatus::Failed, "/srv/lab-small has")?;
        let remediation = full.remediation.context("no remediation")?;
        ensure!(remediation.command.is_none(), "cleaning cannot help there: {remediation:?}");
        let lenient = json!({"action": "Autochecks", "checks": ["disk_space"], "warning_percent": 1, "critical_percent": 100});
        guest.sh("truncate -s 1M /srv/lab-small/fill")?;
        let low = ask(guest, client, &lenient)?;
        ensure!(low.data["checks"][0]["status"] == "warning", "the asked threshold holds: {low:?}");
        expect(&one(guest, client, "disk_space")?, CheckStatus::Passed, "")
    })
}

/// Downloaded packages fill a disk of their own at `/var/cache`; beside them lies what no cleanup may take.
fn full_cache(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "umount /var/cache; rm -f /var/tmp/lab-cache.img");
    guest.sh(
        "truncate -s 16M /var/tmp/lab-cache.img && mkfs.ext4 -q -m 0 /var/tmp/lab-cache.img && \
         mount -o loop /var/tmp/lab-cache.img /var/cache && mkdir -p /var/cache/apt/archives/partial && \
         echo > /var/cache/apt/archives/lab-stays && \
         { dd if=/dev/zero of=/var/cache/apt/archives/lab_1_all.deb bs=64k status=none 2>/dev/null || true; }",
    )?;
    with_host(guest, |client| {
        let full = one(guest, client, "disk_space")?;
        expect(&full, CheckStatus::Failed, "/var/cache has")?;
        let freed = remedy(guest, client, &full)?;
        ensure!(freed.command_type == "DiskCleanup" && freed.data["files_deleted"] == 1, "{freed:?}");
        expect(&one(guest, client, "disk_space")?, CheckStatus::Passed, "")
    })?;
    ensure!(guest.sh("ls /var/cache/apt/archives")? == "lab-stays\npartial");
    Ok(())
}

fn inodes(guest: &Guest) -> Result<()> {
    let _disk = small_disk(guest, 64)?;
    guest.sh("cd /srv/lab-small && touch $(seq 200) 2>/dev/null; true")?;
    let full = with_host(guest, |client| checked(guest, client, &["disk_space", "disk_inodes"]))?;
    expect(of(&full, "disk_space")?, CheckStatus::Passed, "")?;
    expect(of(&full, "disk_inodes")?, CheckStatus::Failed, "/srv/lab-small")
}

fn read_only(guest: &Guest) -> Result<()> {
    let _disk = small_disk(guest, 64)?;
    guest.sh("mount -o remount,ro /srv/lab-small && cp /etc/fstab /run/lab-fstab")?;
    let _fstab = Undo::by(guest, "mv /run/lab-fstab /etc/fstab");
    with_host(guest, |client| {
        let meant = one(guest, client, "read_only_mounts")?;
        ensure!(meant.status == CheckStatus::Passed, "nobody wants it written: {meant:?}");
        guest.sh("echo '/var/tmp/lab-small.img /srv/lab-small ext4 loop,noauto 0 0' >> /etc/fstab")?;
        let found = one(guest, client, "read_only_mounts")?;
        ensure!(found.message.starts_with("/srv/lab-small"), "{found:?}");
        expect(&found, CheckStatus::Failed, "")
    })
}

/// The kernel's own test disk, with a medium error at its sector 4660; and ext4's switch that makes it report an error.
const BAD_DISK: &str = "modprobe scsi_debug dev_size_mb=8 opts=2 && udevadm settle && \
    basename /sys/bus/pseudo/drivers/scsi_debug/adapter0/host*/target*/*/block/*";

fn disk_errors(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "umount /srv/lab-bad; rmmod scsi_debug; rmdir /srv/lab-bad");
    with_host(guest, |client| {
        expect(&one(guest, client, "disk_errors")?, CheckStatus::Passed, "no disk or file system errors")?;
        let disk = guest.sh(BAD_DISK)?;
        guest.sh(&format!("! dd if=/dev/{disk} of=/dev/null bs=4k iflag=direct 2>&1; journalctl --sync"))?;
        let failing = one(guest, client, "disk_errors")?;
        expect(&failing, CheckStatus::Warning, "disk error(s)")?;
        let words = format!("critical medium error, dev {disk}, sector 46");
        ensure!(failing.details["last_messages"].to_string().contains(&words), "{failing:?}");
        guest.sh(&format!(
            "mkdir -p /srv/lab-bad && mkfs.ext4 -q -F -O ^has_journal /dev/{disk} 512 && mount /dev/{disk} /srv/lab-bad && \
             echo probe > /sys/fs/ext4/{disk}/trigger_fs_error && journalctl --sync"
        ))?;
        let damaged = checked(guest, client, &["disk_errors"])?;
        ensure!(damaged.overall_health == Health::Critical, "{damaged:?}");
        let check = of(&damaged, "disk_errors")?;
        expect(check, CheckStatus::Failed, "file system error(s)")?;
        let words = format!("EXT4-fs error (device {disk})");
        ensure!(check.details["last_messages"].to_string().contains(&words), "{check:?}");
        Ok(())
    })
}
