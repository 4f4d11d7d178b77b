//! `read_only_mounts`: file systems that cannot be written although they should (`proc_pid_mountinfo(5)`, `fstab(5)`).
//!
//! A kernel that meets an error makes the file system read-only and leaves the mount's own `rw` as it was. A mount that is
//! read-only by both is meant so, unless fstab wants it written.

use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding};
use crate::collector::text::{lines, printable, unescape_octal, words};
use infiniservice_protocol::data::CheckStatus;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest path told, in bytes.
const MAX_PATH_BYTES: usize = 4096;
/// So many are told.
const MAX_TOLD: usize = 20;

/// One mount, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where.
    pub place: String,
    /// `ext4`.
    pub kind: String,
    /// Whether the mount itself may not be written.
    pub mount_read_only: bool,
    /// Whether the whole file system may not.
    pub system_read_only: bool,
}

/// Gathers and assesses.
pub async fn run(machine: Arc<Machine>) -> Assessed {
    let mounts = machine.read("proc/self/mountinfo").await?;
    let fstab = machine.read_if_there("etc/fstab").await?.unwrap_or_default();
    Ok(assess(&parse(&mounts), &wanted(&fstab)))
}

/// Mounts of block devices, the last one at each place: it hides those before.
pub fn parse(mountinfo: &[u8]) -> Vec<Mount> {
    let mut seen = BTreeMap::new();
    for mount in lines(mountinfo).filter_map(|(_, line)| mount(line)) {
        seen.insert(mount.0.place.clone(), mount);
    }
    seen.into_values().filter(|(_, on_device)| *on_device).map(|(mount, _)| mount).collect()
}

fn mount(line: &[u8]) -> Option<(Mount, bool)> {
    let mut fields = words(line).skip(4);
    let place = printable(&unescape_octal(fields.next()?), MAX_PATH_BYTES);
    let mount_read_only = has_option(fields.next()?, b"ro");
    let mut rest = fields.skip_while(|word| *word != b"-").skip(1);
    let kind = printable(rest.next()?, 64);
    let on_device = rest.next()?.starts_with(b"/dev/");
    let options = rest.next()?;
    // What ext4 of newer kernels says instead of `ro` after an error (fs/ext4/super.c).
    let system_read_only = has_option(options, b"ro") || has_option(options, b"emergency_ro");
    Some((Mount { place, kind, mount_read_only, system_read_only }, on_device))
}

fn has_option(options: &[u8], wanted: &[u8]) -> bool {
    options.split(|byte| *byte == b',').any(|option| option == wanted)
}

/// Of each place in fstab whether it is to be written.
pub fn wanted(fstab: &[u8]) -> BTreeMap<String, bool> {
    let entries = lines(fstab).filter_map(|(_, line)| {
        let fields: Vec<&[u8]> = words(line).collect();
        let [source, place, _, rest @ ..] = fields.as_slice() else { return None };
        let options = rest.first().copied().unwrap_or(b"defaults");
        let place = printable(&unescape_octal(place), MAX_PATH_BYTES);
        (!source.starts_with(b"#")).then(|| (trimmed(&place), !has_option(options, b"ro")))
    });
    entries.collect()
}

fn trimmed(place: &str) -> String {
    let trimmed = place.trim_end_matches('/');
    if trimmed.is_empty() { "/".into() } else { trimmed.into() }
}

/// Media that nothing can write.
fn is_image(kind: &str) -> bool {
    matches!(kind, "iso9660" | "squashfs" | "udf" | "erofs" | "cramfs" | "romfs")
}

/// A file system that stopped taking writes is a failure.
pub fn assess(mounts: &[Mount], wanted: &BTreeMap<String, bool>) -> Finding {
    let stopped = |mount: &&Mount| {
        let read_only = mount.system_read_only || mount.mount_read_only;
        let by_the_kernel = mount.system_read_only && !mount.mount_read_only;
        let meant = wanted.get(&mount.place).copied();
        !is_image(&mount.kind) && read_only && meant.unwrap_or(by_the_kernel)
    };
    let places: Vec<&str> = mounts.iter().filter(stopped).map(|mount| mount.place.as_str()).collect();
    let details = json!({
        "read_only": places.iter().take(MAX_TOLD).collect::<Vec<_>>(),
        "read_only_count": places.len(),
        "mount_count": mounts.len(),
    });
    let Some(first) = places.first() else {
        return Finding::passed("Every file system that should be written can be.").with_details(details);
    };
    let message = match places.len() {
        1 => format!("{first} is read-only, and should not be."),
        n => format!("{first} and {} more are read-only, and should not be.", n - 1),
    };
    Finding::new(CheckStatus::Failed, message).with_details(details).advise(
        "The kernel does this after an error: see the check disk_errors, save what matters, have the file system \
         checked, and mount it anew.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SERVER: &[u8] = include_bytes!("../../../tests/fixtures/mountinfo-debian12-server");
    const FSTAB: &[u8] = b"# a comment with / in it\nUUID=1-2 / ext4 errors=remount-ro 0 1\n\
        /dev/vdb /srv/my\\040data/ xfs defaults 0 2\n/dev/vdc /archive ext4 noatime,ro 0 2\nshort line\n";

    fn row(place: &str, mount: &str, system: &str) -> String {
        format!("30 1 8:1 / {place} {mount},relatime shared:1 - ext4 /dev/vda1 {system},errors=remount-ro\n")
    }

    fn found(mountinfo: &str) -> Vec<String> {
        let finding = assess(&parse(mountinfo.as_bytes()), &wanted(FSTAB));
        let places = finding.details["read_only"].as_array().unwrap();
        assert_eq!(finding.status == CheckStatus::Failed, !places.is_empty());
        places.iter().map(|place| place.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_recorded_server_passes() {
        let finding = assess(&parse(SERVER), &BTreeMap::new());
        assert_eq!(finding.status, CheckStatus::Passed, "{}", finding.message);
    }

    #[test]
    fn what_fstab_wants_written_and_cannot_be_is_found() {
        assert_eq!(found(&row("/", "ro", "ro")), ["/"]);
        assert_eq!(found(&row("/srv/my\\040data", "ro", "ro")), ["/srv/my data"]);
        assert_eq!(found(&row("/", "rw", "rw")), [""; 0]);
    }

    #[test]
    fn what_the_kernel_made_read_only_is_found_without_fstab() {
        assert_eq!(found(&row("/mnt", "rw", "ro")), ["/mnt"]);
        assert_eq!(found(&row("/mnt", "rw", "rw,emergency_ro")), ["/mnt"]);
    }

    #[test]
    fn what_is_meant_to_be_read_only_is_not() {
        assert_eq!(found(&row("/archive", "ro", "ro")), [""; 0]);
        assert_eq!(found(&row("/mnt", "ro", "ro")), [""; 0]);
        assert_eq!(found("31 1 0:5 / /sys ro - sysfs sysfs ro\n"), [""; 0]);
        assert_eq!(found("31 1 7:0 / /snap/x rw - squashfs /dev/loop0 ro\n"), [""; 0]);
    }

    #[test]
    fn a_later_mount_hides_the_one_below() {
        let hidden = row("/mnt", "rw", "ro") + "31 1 0:5 / /mnt rw - tmpfs tmpfs rw\n";
        assert_eq!(found(&hidden), [""; 0]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(mounts: Vec<u8>, fstab: Vec<u8>) {
            let _ = assess(&parse(&mounts), &wanted(&fstab));
        }
    }
}
