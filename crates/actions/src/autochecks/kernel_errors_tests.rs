//! Lines as the kernel's sources write them, and lines that only look like them.

use super::*;
use proptest::prelude::*;

fn at(priority: u8, message: &str) -> Option<Kind> {
    kind(&Entry { message: message.into(), at_secs: 5, priority: Some(priority), facility: Some(0) })
}

#[test]
fn damaged_file_systems_are_known_by_their_own_words() {
    for (priority, line) in [
        (2, "EXT4-fs error (device vda1): ext4_lookup:1855: inode #2: comm ls: deleted inode referenced: 12"),
        (
            3,
            "EXT4-fs error (device loop0): ext4_validate_block_bitmap:390: comm touch: bg 0: bad block bitmap checksum",
        ),
        (2, "EXT4-fs (dm-0): Remounting filesystem read-only"),
        (4, "EXT4-fs (sda1): warning: mounting fs with errors, running e2fsck is recommended"),
        (3, "EXT4-fs (sda1): I/O error while writing superblock"),
        (3, "JBD2: Error -5 detected when updating journal superblock for sda1-8."),
        (3, "Aborting journal on device sda1-8."),
        (
            1,
            "XFS (vdb): Corruption of in-memory data (0x8) detected at xfs_trans_cancel+0x12a/0x150 [xfs] (fs/xfs/xfs_trans.c:1099).  Shutting down filesystem.",
        ),
        (
            1,
            "XFS (vdb): Metadata CRC error detected at xfs_agf_read_verify+0xce/0x100 [xfs], xfs_agf block 0x1",
        ),
        (1, "XFS (dm-3): metadata I/O error in \"xfs_read_agf\" at daddr 0x1 len 1 error 74"),
        (1, "XFS (dm-3): log I/O error -5"),
        (1, "XFS (vdb): Filesystem has been shut down due to log error (0x2)."),
        (3, "XFS (vdb): Internal error xfs_trans_cancel at line 954 of file fs/xfs/xfs_trans.c."),
        (4, "XFS (vdb): log mount/recovery failed: error -117"),
        (3, "BTRFS error (device sda1): bdev /dev/sda1 errs: wr 1, rd 0, flush 0, corrupt 0, gen 0"),
        (2, "BTRFS critical (device sda1: state EA): corrupt leaf: root=5 block=30457856 slot=5"),
        (3, "BTRFS: error (device sda1 state A) in btrfs_finish_ordered_io:3234: errno=-5 IO failure"),
        (
            4,
            "BTRFS warning (device sda1): csum failed root 5 ino 257 off 0 csum 0x1 expected csum 0x2 mirror 1",
        ),
        (3, "FAT-fs (sda1): error, fat_get_cluster: invalid start cluster (i_pos 0, start 00000018)"),
        (4, "WARNING: Pool 'tank' has encountered an uncorrectable I/O failure and has been suspended."),
    ] {
        let priority = if line.starts_with("WARNING: Pool") { 3 } else { priority };
        assert_eq!(at(priority, line), Some(Kind::Damage), "{line}");
    }
}

#[test]
fn failing_disks_are_known_by_their_own_words() {
    for (priority, line) in [
        (3, "I/O error, dev vda, sector 2048 op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 2"),
        (
            3,
            "blk_update_request: critical medium error, dev sda, sector 4660 op 0x0:(READ) flags 0x0 phys_seg 1",
        ),
        (3, "print_req_error: I/O error, dev nvme0n1, sector 0"),
        (3, "timeout error, dev sdb, sector 8 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2"),
        (3, "Buffer I/O error on dev dm-0, logical block 1, lost async page write"),
        (3, "Buffer I/O error on device sdb1, logical block 7"),
        (
            2,
            "md/raid1:md0: Disk failure on sdb1, disabling device. md/raid1:md0: Operation continuing on 1 devices.",
        ),
        (2, "md/raid:md127: Disk failure on nvme1n1p2, disabling device."),
        (2, "md/raid0:md5: Disk failure on sdc detected, failing array."),
        (1, "md/raid1:md0: sda1: unrecoverable I/O read error for block 1024"),
        (4, "md/raid:md0: read error not correctable (sector 2048 on sdb1)."),
        (4, "nvme nvme0: I/O 23 QID 4 timeout, aborting"),
        (
            4,
            "nvme nvme0: I/O tag 5 (1005) opcode 0x2 (I/O Cmd) QID 1 timeout, aborting req_op:READ(0) size:4096",
        ),
        (4, "nvme nvme1: controller is down; will reset: CSTS=0xffffffff, PCI_STATUS=0x10"),
        (3, "nvme nvme0: Device not ready; aborting reset, CSTS=0x1"),
        (3, "nvme0n1: Read(0x2) @ LBA 0, 8 blocks, Unrecovered Read Error (sct 0x2 / sc 0x81) MORE DNR"),
        (3, "ata1.00: failed command: READ FPDMA QUEUED"),
        (4, "sd 2:0:0:0: [sdb] tag#0 Sense Key : Medium Error [current]"),
        (4, "sd 2:0:0:0: rejecting I/O to offline device"),
        (3, "mmcblk0: error -110 transferring data, sector 0, nr 8, cmd response 0x900, card status 0x0"),
        (3, "device-mapper: multipath: 253:1: Failing path 8:16."),
        (3, "device-mapper: thin: 253:2: switching pool to read-only mode"),
    ] {
        assert_eq!(at(priority, line), Some(Kind::Failure), "{line}");
    }
}

#[test]
fn devices_of_harmless_classes_are_passed_over_by_any_number() {
    for device in ["loop0", "loop12p1", "sr0", "sr1", "fd0", "fd1", "nbd3", "nbd0p1", "zram0", "ram7"] {
        for line in [
            format!("I/O error, dev {device}, sector 0 op 0x0:(READ)"),
            format!("blk_update_request: I/O error, dev {device}, sector 0 op 0x0:(READ)"),
            format!("Buffer I/O error on dev {device}, logical block 0, async page read"),
        ] {
            assert_eq!(at(3, &line), None, "{line}");
        }
    }
    for device in ["sda", "srv", "vda1", "dm-0", "nvme0n1", "xvda", "mmcblk0", "md_d0", "fda"] {
        assert!(at(3, &format!("I/O error, dev {device}, sector 1 op 0x1:(WRITE)")).is_some(), "{device}");
    }
}

#[test]
fn ordinary_lines_are_no_errors() {
    for line in [
        "EXT4-fs (vda1): mounted filesystem with ordered data mode. Quota mode: none.",
        "EXT4-fs (vda1): re-mounted. Opts: errors=remount-ro",
        "XFS (vdb): Ending clean mount",
        "XFS (vdb): User initiated shutdown received.",
        "BTRFS info (device vdb): using crc32c (crc32c-intel) checksum algorithm",
        "BTRFS warning (device vdb): duplicate device fsid:devid",
        "nvme nvme0: Shutdown timeout set to 8 seconds",
        "nvme nvme0: 4/0/0 default/read/poll queues",
        "nvme0: Identify(0x6), Invalid Field in Command (sct 0x0 / sc 0x2) DNR",
        "md/raid1:md0: active with 2 out of 2 mirrors",
        "operation not supported error, dev sda, sector 8 op 0x9:(WRITE_ZEROES)",
        "ata1: SATA link down (SStatus 0 SControl 300)",
        "sd 2:0:0:0: [sda] Synchronizing SCSI cache",
        "device-mapper: ioctl: 4.47.0-ioctl (2022-07-28) initialised: dm-devel@redhat.com",
        "GFS2: fsid=a:b.0: journal 0 mapped with 1 extents in 0ms",
        "Memory cgroup out of memory: Killed process 7 (x) total-vm:1kB",
    ] {
        assert_eq!(at(3, line), None, "{line}");
    }
}

/// A process's name is what its user likes, within 15 bytes; so is that of a control group.
#[test]
fn no_name_of_a_process_or_control_group_makes_an_error() {
    let known = [
        "EXT4-fs error (device a): b",
        "XFS (a): Corruption",
        "I/O error, dev a, sector 1",
        "md/a: Disk failure on ",
        "nvme nvme0: I/O 1 timeout, ",
        "sd 0:0:0:0: [sda] Unrecovered read error",
        "Aborting journal on device ",
        "Buffer I/O error on dev a, logical block ",
        "ata1: failed command: ",
        "EXT4-fs error",
        "I/O error, dev ",
    ];
    for name in known.iter().map(|line| line.chars().take(15).collect::<String>()) {
        for line in [
            format!("{name} invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"),
            format!(
                "{name}: page allocation failure: order:0, mode:0x0(), nodemask=(null),cpuset=Corruption, sector 1,mems_allowed=0"
            ),
            format!("{name}[4711]: segfault at 0 ip 0 sp 0 error 4 in x[400000+1000], sector 1 timeout, "),
            format!("Memory cgroup out of memory: Killed process 7 ({name}) total-vm:1kB"),
            format!("oom-kill:constraint=CONSTRAINT_MEMCG,task={name},pid=7,uid=1000"),
        ] {
            // Whatever priority it has: the form alone is enough.
            assert_eq!(at(3, &line), None, "{line}");
        }
    }
}

#[test]
fn what_a_program_writes_into_the_kernels_log_is_not_the_kernels_word() {
    let line = "EXT4-fs error (device vda1): ext4_lookup:1855: inode #2";
    let entry = |facility, priority| Entry { message: line.into(), at_secs: 5, priority, facility };
    assert_eq!(kind(&entry(Some(1), Some(3))), None);
    assert_eq!(kind(&entry(Some(0), Some(4))), None, "ext4 says that at error priority");
    assert_eq!(kind(&entry(Some(0), Some(2))), Some(Kind::Damage));
}

proptest! {
    #[test]
    fn any_line_is_read_without_a_panic(line in "\\PC*", rest in "\\PC*") {
        for prefix in ["", "md/", "nvme", "sd ", "ata", "XFS (", "device-mapper: ", "I/O error, dev "] {
            let _ = at(3, &format!("{prefix}{line}: {rest}"));
        }
    }
}
