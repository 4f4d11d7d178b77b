//! The kernel's own words for failing disks and damaged file systems, by facility, priority and form.
//!
//! A line is matched from its beginning: some of the kernel's lines begin with a process's name, which its user chooses freely
//! within 15 bytes (`TASK_COMM_LEN`), and those lines are warnings. So each form is longer than that, or goes on with what no name
//! is followed by. What a program writes into the kernel's log has another facility (`devkmsg_write()`).

use super::journal::Entry;

/// What a line reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file system is damaged, or had to stop.
    Damage,
    /// A disk could not read, write or answer.
    Failure,
}

/// `LOG_ERR` and `LOG_WARNING` of syslog(3).
const ERR: u8 = 3;
const WARNING: u8 = 4;

/// Device classes whose errors are no failing disk: what lies over a file, the network or memory, and drives without a medium.
const HARMLESS: [&str; 9] = ["loop", "sr", "scd", "fd", "nbd", "zram", "ram", "pktcdvd", "cdrom"];
/// Of those, the ones whose file systems are not this machine's to keep.
const REMOVABLE: [&str; 5] = ["sr", "scd", "fd", "pktcdvd", "cdrom"];

/// File systems that name the device in a fixed form: beginning, end of the device, and the priority it has at most.
const FILE_SYSTEMS: [(&str, u8); 12] = [
    ("EXT4-fs error (device ", ERR),
    ("EXT3-fs error (device ", ERR),
    ("EXT2-fs error (device ", ERR),
    ("BTRFS error (device ", ERR),
    ("BTRFS critical (device ", ERR),
    ("BTRFS: error (device ", ERR),
    ("REISERFS error (device ", ERR),
    ("NILFS error (device ", ERR),
    ("NTFS-fs error (device ", ERR),
    ("UDF-fs: error (device ", ERR),
    ("JFS: ERROR (device ", ERR),
    ("OCFS2: ERROR (device ", ERR),
];

/// File systems that say many things of a device; only these are errors: name, what follows, and the priority.
const WORDS: [(&str, &str, u8); 40] = [
    ("EXT4-fs", "Remounting filesystem read-only", ERR),
    ("EXT4-fs", "warning: mounting fs with errors", WARNING),
    ("EXT4-fs", "warning: mounting unchecked fs", WARNING),
    ("EXT4-fs", "I/O error while writing superblock", ERR),
    ("EXT4-fs", "previous I/O error to superblock detected", ERR),
    ("EXT4-fs", "This should not happen!! Data will be lost", ERR),
    ("EXT4-fs", "failed to convert unwritten extents", ERR),
    ("EXT4-fs", "Delayed block allocation failed", ERR),
    ("EXT4-fs", "error loading journal", ERR),
    ("EXT4-fs", "bad geometry", WARNING),
    ("EXT4-fs", "group descriptors corrupted", ERR),
    ("EXT4-fs", "shut down requested", ERR),
    ("XFS", "Corruption", ERR),
    ("XFS", "Metadata corruption detected", ERR),
    ("XFS", "Metadata CRC error detected", ERR),
    ("XFS", "Metadata I/O Error", ERR),
    ("XFS", "metadata I/O error", ERR),
    ("XFS", "log I/O error", ERR),
    ("XFS", "Log I/O Error", ERR),
    ("XFS", "Internal error", ERR),
    ("XFS", "Filesystem has been shut down", ERR),
    ("XFS", "Filesystem has shut down", ERR),
    ("XFS", "I/O Error Detected", ERR),
    ("XFS", "Shutting down filesystem", ERR),
    ("XFS", "Please unmount the filesystem", ERR),
    ("XFS", "Please umount the filesystem", ERR),
    ("XFS", "xfs_do_force_shutdown", ERR),
    ("XFS", "writeback error on ", ERR),
    ("XFS", "log mount/recovery failed", WARNING),
    ("XFS", "log recovery write I/O error", ERR),
    ("XFS", "failed to read root inode", ERR),
    ("XFS", "failing async write on buffer", ERR),
    ("XFS", "Uncorrected metadata errors detected", WARNING),
    ("FAT-fs", "error, ", ERR),
    ("exFAT-fs", "error, ", ERR),
    ("F2FS-fs", "Stopped filesystem due to reason", WARNING),
    ("F2FS-fs", "Inconsistent error", ERR),
    ("F2FS-fs", "Mismatch valid blocks", WARNING),
    ("bcachefs", "fatal error", ERR),
    ("bcachefs", "inconsistency detected", ERR),
];

/// Of btrfs's warnings the ones that are errors of what was read.
const BTRFS_WARNINGS: [&str; 6] = [
    "csum failed ",
    "checksum error at ",
    "checksum verify failed ",
    "lost page write due to IO error",
    "lost super block write due to IO error",
    "i/o error at ",
];

/// Beginnings that say it all.
const DAMAGED: [&str; 7] = [
    "Aborting journal on device ",
    "JBD2: Error ",
    "JBD2: Detected IO errors ",
    "JBD2: IO error ",
    "JBD2: recovery failed",
    "GFS2: fsid=",
    "BTRFS: Transaction aborted",
];

/// What `blk_status` calls a request's end, before ` error, dev sda, sector 8` (block/blk-core.c). An operation that is not supported,
/// or a reservation of another's, is no failing disk.
const REQUESTS: [&str; 9] = [
    "I/O",
    "timeout",
    "critical medium",
    "critical target",
    "critical space allocation",
    "recoverable transport",
    "protection",
    "device offline",
    "critical nexus",
];
const REQUEST_PREFIXES: [&str; 3] = ["blk_update_request: ", "print_req_error: ", "end_request: "];

/// What md says behind its array's name.
const MD: [&str; 6] = [
    "Disk failure on ",
    "unrecoverable I/O ",
    "unrecoverable block read error",
    "read error not correctable",
    "not enough operational ",
    "Too many read errors on ",
];

/// What the driver of `NVMe` says behind the controller's name.
const NVME: [&str; 8] = [
    "controller is down; will reset",
    "Device not ready; aborting",
    "Disabling device after reset failure",
    "Removing after probe failure",
    "Device shutdown incomplete",
    "frozen state error detected",
    "controller fatal status",
    "failed to reset controller",
];

/// What a SCSI disk says of itself.
const SCSI: [&str; 8] = [
    "Unrecovered read error",
    "Unhandled error code",
    "Sense Key : Medium Error",
    "Sense Key : Hardware Error",
    "Add. Sense: Unrecovered read error",
    "Add. Sense: Write error",
    "rejecting I/O to offline device",
    "timing out command",
];

/// What the device mapper says.
const MAPPER: [&str; 9] = [
    "device-mapper: multipath: ",
    "device-mapper: raid: Failed",
    "device-mapper: raid1: Read failure",
    "device-mapper: raid1: Unable to read",
    "device-mapper: raid1: A read failure",
    "device-mapper: raid1: Write error",
    "device-mapper: crypt: ",
    "device-mapper: integrity: ",
    "device-mapper: verity: ",
];

/// What a line of the kernel reports of a disk or file system, if it does.
pub(super) fn kind(entry: &Entry) -> Option<Kind> {
    if entry.facility.is_some_and(|facility| facility != 0) {
        return None;
    }
    let at_most = |level: u8| entry.priority.is_none_or(|priority| priority <= level);
    let line = entry.message.as_str();
    if damage(line, at_most) {
        return Some(Kind::Damage);
    }
    let failure = at_most(ERR) && error_of_disk(line) || at_most(WARNING) && warning_of_disk(line);
    failure.then_some(Kind::Failure)
}

fn damage(line: &str, at_most: impl Fn(u8) -> bool) -> bool {
    let in_device = |(prefix, level): &(&str, u8)| {
        at_most(*level) && line.strip_prefix(prefix).is_some_and(|rest| keeps(rest, &REMOVABLE))
    };
    let says = |(name, words, level): &(&str, &str, u8)| {
        at_most(*level)
            && line
                .strip_prefix(name)
                .and_then(of_mounted)
                .is_some_and(|(device, rest)| rest.starts_with(words) && keeps(device, &REMOVABLE))
    };
    FILE_SYSTEMS.iter().any(in_device)
        || WORDS.iter().any(says)
        || at_most(ERR) && DAMAGED.iter().any(|prefix| line.starts_with(prefix)) && !harmless_gfs2(line)
        || at_most(WARNING) && zfs_pool(line)
        || at_most(WARNING) && btrfs_warning(line)
}

/// `WARNING: Pool 'tank' has encountered an uncorrectable I/O failure and has been suspended.`
fn zfs_pool(line: &str) -> bool {
    let rest = line.strip_prefix("WARNING: Pool '").and_then(|rest| rest.split_once('\''));
    rest.is_some_and(|(_, rest)| rest.starts_with(" has encountered an uncorrectable I/O failure"))
}

/// GFS2 tells all that it does in this form.
fn harmless_gfs2(line: &str) -> bool {
    line.starts_with("GFS2: ") && !line.contains(": fatal: ")
}

fn btrfs_warning(line: &str) -> bool {
    let rest = line.strip_prefix("BTRFS warning (device ").and_then(|rest| rest.split_once("): "));
    rest.is_some_and(|(_, rest)| BTRFS_WARNINGS.iter().any(|words| rest.starts_with(words)))
}

/// ` (vda1): words` behind a file system's name: the device and the words.
fn of_mounted(rest: &str) -> Option<(&str, &str)> {
    let (device, words) = rest.strip_prefix(" (")?.split_once("): ")?;
    is_name(device).then_some((device, words))
}

fn error_of_disk(line: &str) -> bool {
    request(line) || buffer(line) || md(line) || ata(line) || nvme_command(line) || mmc(line) || mapper(line)
}

/// Timeouts of drivers are warnings, as is what SCSI tells of a command's end.
fn warning_of_disk(line: &str) -> bool {
    nvme(line) || scsi(line) || md(line) || ata(line)
}

/// `I/O error, dev vda, sector 2048 op 0x0:(READ)`.
fn request(line: &str) -> bool {
    let line = REQUEST_PREFIXES.iter().find_map(|prefix| line.strip_prefix(prefix)).unwrap_or(line);
    let rest = REQUESTS.iter().find_map(|name| line.strip_prefix(name)?.strip_prefix(" error, dev "));
    let parts = rest.and_then(|rest| rest.split_once(", sector "));
    parts.is_some_and(|(device, rest)| {
        is_name(device) && rest.starts_with(|c: char| c.is_ascii_digit()) && keeps(device, &HARMLESS)
    })
}

/// `Buffer I/O error on dev dm-0, logical block 1, lost async page write`; older kernels write `device`.
fn buffer(line: &str) -> bool {
    let rest = ["Buffer I/O error on dev ", "Buffer I/O error on device "];
    let rest = rest.iter().find_map(|prefix| line.strip_prefix(prefix));
    let device = rest.and_then(|rest| rest.split_once(", logical block ")).map(|(device, _)| device);
    device.is_some_and(|device| is_name(device) && keeps(device, &HARMLESS))
}

/// `md/raid1:md0: Disk failure on sdb1, disabling device.`
fn md(line: &str) -> bool {
    let rest = line.strip_prefix("md/").and_then(|rest| rest.split_once(": "));
    rest.is_some_and(|(array, rest)| {
        !array.contains(' ')
            && MD.iter().any(|words| {
                rest.strip_prefix(member(rest)).unwrap_or(rest).starts_with(words) || rest.starts_with(words)
            })
    }) || line.starts_with("md: super_written gets error")
}

/// `sda1: ` before the words, which some of md's lines have.
fn member(rest: &str) -> &str {
    match rest.split_once(": ") {
        Some((device, words)) if is_name(device) => rest.strip_suffix(words).unwrap_or_default(),
        _ => "",
    }
}

/// `ata1.00: failed command: READ FPDMA QUEUED`.
fn ata(line: &str) -> bool {
    let rest = line.strip_prefix("ata").and_then(|rest| rest.split_once(": "));
    rest.is_some_and(|(number, rest)| {
        number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && ["failed command: ", "limiting SATA link speed", "revalidation failed", "disable device"]
                .iter()
                .any(|words| rest.starts_with(words))
    })
}

/// `nvme nvme0: I/O tag 5 (1005) QID 1 timeout, aborting`, and what follows it.
fn nvme(line: &str) -> bool {
    let rest = line.strip_prefix("nvme nvme").and_then(|rest| rest.split_once(": "));
    rest.is_some_and(|(number, rest)| {
        let command = rest.strip_prefix("I/O ").is_some_and(|rest| {
            (rest.starts_with("tag ") || rest.starts_with(|c: char| c.is_ascii_digit()))
                && rest.contains(" timeout, ")
        });
        number.bytes().all(|byte| byte.is_ascii_digit())
            && (command || NVME.iter().any(|words| rest.starts_with(words)))
    })
}

/// `nvme0n1: Read(0x2) @ LBA 0, 8 blocks, Unrecovered Read Error (sct 0x2 / sc 0x81)`.
fn nvme_command(line: &str) -> bool {
    let rest = line.strip_prefix("nvme").and_then(|rest| rest.split_once(": "));
    rest.is_some_and(|(device, rest)| {
        let words = rest.split_once(" @ LBA ");
        is_name(device)
            && words.is_some_and(|(command, rest)| command.contains("(0x") && rest.contains("(sct 0x"))
    })
}

/// `sd 0:0:0:0: [sda] tag#0 Sense Key : Medium Error [current]`.
fn scsi(line: &str) -> bool {
    let rest = line.strip_prefix("sd ").and_then(|rest| rest.split_once(": "));
    rest.is_some_and(|(address, rest)| {
        let numbers =
            !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
        // The disk's name and the command's number come before the words, where there are any.
        let words =
            rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")).map_or(rest, |(_, words)| words);
        let words =
            words.strip_prefix("tag#").and_then(|rest| rest.split_once(' ')).map_or(words, |(_, w)| w);
        numbers && SCSI.iter().any(|known| words.starts_with(known))
    })
}

/// `mmcblk0: error -110 transferring data`, `mmc0: Timeout waiting for hardware interrupt.`
fn mmc(line: &str) -> bool {
    let rest = line.strip_prefix("mmc").and_then(|rest| rest.split_once(": "));
    rest.is_some_and(|(device, rest)| {
        is_name(device)
            && ["error -", "Timeout waiting for hardware", "timed out sending", "recovery failed"]
                .iter()
                .any(|words| rest.starts_with(words))
    })
}

fn mapper(line: &str) -> bool {
    let Some(rest) = MAPPER.iter().find_map(|prefix| line.strip_prefix(prefix)) else {
        return line.starts_with("device-mapper: thin: ")
            && (line.contains(" switching pool to read-only mode")
                || line.contains(" switching pool to failure mode"));
    };
    match line {
        line if line.starts_with("device-mapper: raid") => true,
        line if line.starts_with("device-mapper: multipath: ") => rest.contains("Failing path"),
        _ => ["ERROR", "error", "corrupted", "mismatch", "failed"].iter().any(|word| rest.contains(word)),
    }
}

/// A device's name, such as `sda1`, `dm-0` or `cciss!c0d0`: no blanks, which a process's name may have.
fn is_name(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_!/.".contains(&byte);
    !text.is_empty() && text.len() <= 32 && text.bytes().all(known)
}

/// Whether what begins with a device's name begins with one that counts: none of these classes, with its number.
fn keeps(text: &str, classes: &[&str]) -> bool {
    let harmless = |class: &&str| {
        text.strip_prefix(*class).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    !classes.iter().any(harmless)
}

#[cfg(test)]
#[path = "kernel_errors_tests.rs"]
mod tests;
