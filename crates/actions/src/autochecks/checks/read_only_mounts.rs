//! `read_only_mounts`: file systems that cannot be written although they should (`proc_pid_mountinfo(5)`, `fstab(5)`).
//!
//! A kernel that meets an error makes the file system read-only and leaves the mount's own `rw` as it was. A mount that is
//! read-only by both is meant so, unless fstab wants it written.

use super::disk::mount_table;
use crate::autochecks::Machine;
use crate::autochecks::finding::{Assessed, Finding};
use infiniservice_platform::linux::mounts::{Mount, has_option};
use infiniservice_platform::linux::text::{lines, printable, unescape_octal, words};
use infiniservice_protocol::data::CheckStatus;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest path told, in bytes.
const MAX_PATH_BYTES: usize = 4096;
/// So many are told.
const MAX_TOLD: usize = 20;

/// Gathers and assesses.
pub(super) async fn run(machine: Arc<Machine>) -> Assessed {
    let table = mount_table(&machine).await?;
    let fstab = machine.read_if_there("etc/fstab").await?.unwrap_or_default();
    Ok(complete(assess(&of_devices(table.mounts), &wanted(&fstab)), table.left_out))
}

/// A table that was not read whole cannot say that all is well.
fn complete(finding: Finding, left_out: usize) -> Finding {
    if left_out == 0 || finding.status != CheckStatus::Passed {
        return finding;
    }
    let message = format!("No problem was found, but {left_out} mounts could not be parsed.");
    Finding { status: CheckStatus::Warning, message, ..finding }
}

/// Mounts of block devices, the last one at each place: it hides those before.
pub(crate) fn of_devices(mounts: Vec<Mount>) -> Vec<Mount> {
    let seen: BTreeMap<Vec<u8>, Mount> =
        mounts.into_iter().map(|mount| (mount.place.clone(), mount)).collect();
    seen.into_values().filter(Mount::is_on_a_device).collect()
}

/// Of each place in fstab whether it is to be written.
pub(crate) fn wanted(fstab: &[u8]) -> BTreeMap<String, bool> {
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

/// A file system that stopped taking writes is a failure.
pub(crate) fn assess(mounts: &[Mount], wanted: &BTreeMap<String, bool>) -> Finding {
    let stopped = |mount: &&Mount| {
        let read_only = mount.read_only || mount.here_read_only;
        let by_the_kernel = mount.read_only && !mount.here_read_only;
        let meant = wanted.get(&mount.mount_point_text()).copied();
        !mount.is_image() && read_only && meant.unwrap_or(by_the_kernel)
    };
    let places: Vec<String> = mounts.iter().filter(stopped).map(Mount::mount_point_text).collect();
    let details = json!({
        "read_only": places.iter().take(MAX_TOLD).collect::<Vec<_>>(),
        "read_only_count": places.len(),
        "mount_count": mounts.len(),
    });
    let Some(first) = places.first() else {
        return Finding::passed("Every file system that should be writable is.").with_details(details);
    };
    let message = match places.len() {
        1 => format!("{first} is read-only, but should not be."),
        n => format!("{first} and {} more are read-only, but should not be.", n - 1),
    };
    Finding::new(CheckStatus::Failed, message).with_details(details).advise(
        "The kernel does this after an error: see the check disk_errors, save important data, check the \
         file system, and mount it again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_platform::linux::mounts::read;
    use proptest::prelude::*;

    const SERVER: &[u8] = include_bytes!("../../../../platform/tests/fixtures/mountinfo-debian12-server");
    const FSTAB: &[u8] = b"# a comment with / in it\nUUID=1-2 / ext4 errors=remount-ro 0 1\n\
        /dev/vdb /srv/my\\040data/ xfs defaults 0 2\n/dev/vdc /archive ext4 noatime,ro 0 2\nshort line\n";

    fn row(place: &str, mount: &str, system: &str) -> String {
        format!("30 1 8:1 / {place} {mount},relatime shared:1 - ext4 /dev/vda1 {system},errors=remount-ro\n")
    }

    fn found(mountinfo: &str) -> Vec<String> {
        let finding = assess(&of_devices(parse(mountinfo.as_bytes())), &wanted(FSTAB));
        let places = finding.details["read_only"].as_array().unwrap();
        assert_eq!(finding.status == CheckStatus::Failed, !places.is_empty());
        places.iter().map(|place| place.as_str().unwrap().to_owned()).collect()
    }

    fn parse(text: &[u8]) -> Vec<Mount> {
        read(text).unwrap_or_default().mounts
    }

    #[test]
    fn a_recorded_server_passes() {
        let finding = assess(&of_devices(parse(SERVER)), &BTreeMap::new());
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

    #[test]
    fn a_table_that_was_not_read_whole_does_not_pass() {
        let passed = assess(&of_devices(parse(SERVER)), &BTreeMap::new());
        let finding = complete(passed.clone(), 3);
        assert_eq!(finding.status, CheckStatus::Warning);
        assert!(finding.message.contains("3 mounts could not be parsed"), "{}", finding.message);
        assert_eq!(complete(passed, 0).status, CheckStatus::Passed);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(mounts: Vec<u8>, fstab: Vec<u8>) {
            let _ = assess(&of_devices(parse(&mounts)), &wanted(&fstab));
        }
    }
}
