//! Recorded and made-up mount tables.

use super::*;
use proptest::prelude::*;

const SERVER: &[u8] = include_bytes!("../../tests/fixtures/mountinfo-debian12-server");

fn listed(text: &[u8]) -> Vec<String> {
    file_systems(parse(text)).iter().map(Mount::mount_point_text).collect()
}

#[test]
fn each_file_system_is_listed_once() {
    let expected = ["/", "/boot/efi", "/data", "/mnt/my share", "/srv/pool", "/srv/www"];
    assert_eq!(listed(SERVER), expected);
}

#[test]
fn a_bind_mount_stands_for_its_file_system_only_where_nothing_else_does() {
    let bind = b"30 1 8:1 /lib/x /etc/hosts rw - ext4 /dev/sda1 rw\n";
    assert_eq!(listed(bind), ["/etc/hosts"]);
    let both = [&bind[..], b"31 1 8:1 / /a/long/way/down rw - ext4 /dev/sda1 rw\n"].concat();
    assert_eq!(listed(&both), ["/a/long/way/down"]);
}

#[test]
fn the_mount_on_top_hides_the_one_below() {
    let text = b"30 1 8:1 / /mnt rw - ext4 /dev/sda1 rw\n31 30 8:2 / /mnt rw - xfs /dev/sda2 rw\n";
    let list = file_systems(parse(text));
    assert_eq!((list.len(), list[0].kind.as_str()), (1, "xfs"));
}

#[test]
fn a_local_disk_below_a_network_mount_may_hang_with_it() {
    let text = b"30 1 0:50 / /nfs rw - nfs4 h:/ rw\n31 30 8:2 / /nfs/local rw - xfs /dev/sda2 rw\n\
                 32 1 8:3 / /nfsx rw - xfs /dev/sda3 rw\n";
    let hanging: Vec<_> = file_systems(parse(text)).iter().map(Mount::may_hang).collect();
    assert_eq!(hanging, [true, true, false]);
}

#[test]
fn a_live_systems_overlay_root_is_a_file_system() {
    assert_eq!(listed(b"30 1 0:30 / / rw - overlay overlay rw,lowerdir=/a\n"), ["/"]);
}

#[test]
fn what_may_hang_is_known_by_its_type() {
    let list = file_systems(parse(SERVER));
    let hanging: Vec<_> = list.iter().filter(|m| m.may_hang()).map(Mount::mount_point_text).collect();
    assert_eq!(hanging, ["/mnt/my share"]);
    let sshfs = parse(b"9 1 0:50 / /m rw - fuse.sshfs u@h:/ rw\n");
    assert!(sshfs[0].may_hang());
}

#[test]
fn images_layers_and_mounts_of_users_are_none_of_the_disks() {
    for kind in IMAGES.iter().chain(&LAYERS) {
        assert_eq!(listed(format!("30 1 0:40 / /m ro - {kind} x ro\n").as_bytes()), [""; 0], "{kind}");
    }
    let of_alice = "30 1 0:40 / /home/alice/m rw - fuse.sshfs a@b: rw,user_id=1000,group_id=1000\n";
    let of_root = "31 1 0:41 / /m rw - fuse.sshfs a@b: rw,user_id=0,group_id=0,allow_other\n";
    assert_eq!(listed(format!("{of_alice}{of_root}").as_bytes()), ["/m"]);
}

#[test]
fn what_is_read_only_with_nothing_available_is_full_by_design() {
    let mount = |kind: &str, options: &str| {
        parse(format!("30 1 0:40 / / rw - {kind} x {options}\n").as_bytes()).remove(0)
    };
    assert!(mount("erofs", "ro").is_full_by_design(0) && mount("squashfs", "ro").is_full_by_design(9));
    assert!(mount("overlay", "ro,lowerdir=/a::/b").is_full_by_design(0), "composefs");
    assert!(!mount("ext4", "rw,errors=remount-ro").is_full_by_design(0), "a full disk");
    assert!(!mount("ext4", "ro").is_full_by_design(1000));
}

#[test]
fn a_table_that_a_user_made_long_hides_nothing() {
    let long = "x".repeat(60_000);
    let row = |n: u32| format!("{n} 1 0:{n} / /home/alice/{n} rw - fuse.x x rw,user_id=1000\n");
    let rows = (0..30_000).map(row).collect::<Vec<_>>().concat();
    let text = format!("{rows}30 1 0:9 / /{long} rw - fuse.x x rw,user_id=1000\n");
    let disk = "2 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
    let table = read(io::Cursor::new(format!("{disk}{text}"))).unwrap();
    assert_eq!((table.mounts.len(), table.left_out), (MAX_MOUNTS, 10_002));
    assert_eq!(file_systems(table.mounts).len(), 1);
    let table = read(io::Cursor::new(SERVER)).unwrap();
    assert_eq!((table.mounts, table.left_out), (parse(SERVER), 0));
}

#[test]
fn of_too_many_file_systems_those_of_devices_are_kept() {
    let row = |n: u32| format!("{n} 1 0:{n} / /a/{n} rw - nfs h:/{n} rw\n");
    let nfs = (0..200).map(row).collect::<Vec<_>>().concat();
    let disks = "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /srv/data rw - xfs /dev/sdb1 rw\n";
    let kept = most_important(file_systems(parse(format!("{nfs}{disks}").as_bytes())), 3);
    let places: Vec<_> = kept.iter().map(Mount::mount_point_text).collect();
    assert_eq!(places, ["/", "/a/0", "/srv/data"]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
        let table = read(io::Cursor::new(&bytes)).unwrap();
        let _ = most_important(file_systems(table.mounts), 3);
    }

    #[test]
    fn no_mount_point_and_no_device_is_listed_twice(rows in proptest::collection::vec((0u8..4, 0u8..4, 0u8..4), 0..30)) {
        let text = rows.iter().map(|(d, r, p)| format!("1 1 8:{d} /{r} /{p} rw - ext4 /dev/sd{d} rw\n")).collect::<Vec<_>>().concat();
        let list = file_systems(parse(text.as_bytes()));
        let mut points: Vec<_> = list.iter().map(|m| &m.place).collect();
        let mut devices: Vec<_> = list.iter().map(|m| m.device_id).collect();
        points.dedup();
        devices.sort_unstable();
        devices.dedup();
        prop_assert_eq!((points.len(), devices.len()), (list.len(), list.len()));
    }
}
