//! Each of the six targets with something in it, ages, and the journal.

use super::{clean, clean_older, of};
use crate::support::{Undo, with_host};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::{Action, ErrorCode};

pub const AGES: &[Scenario] =
    &[("cleanup::crash_dumps_of_a_week_go_and_younger_ones_stay_unless_asked_otherwise", ages)];
pub const SCENARIOS: &[Scenario] = &[
    ("cleanup::a_dry_run_of_all_targets_tells_what_is_then_removed_and_nothing_else_goes", all),
    ("cleanup::a_dry_run_of_the_logs_tells_what_journalctl_then_removes", journal),
    ("cleanup::an_unknown_target_is_refused", unknown),
];

const ALL: [&str; 6] = ["temp", "logs", "package_cache", "crash_dumps", "thumbnails", "trash"];

/// Below these directories lie what goes and, called `stays`, what does not.
const FILL: &str = r"
useradd -m lab-tidy
home=/home/lab-tidy
mkdir -p /var/crash $home/.cache/thumbnails/normal $home/.local/share/Trash/files/thrown $home/.local/share/Trash/info
put() { head -c $1 /dev/urandom > $2; }
put 300000 /tmp/lab-file
put 200000 /var/log/lab.log.1; put 100000 /var/log/lab.log.2.gz; put 50000 /var/log/lab.log
put 400000 /var/cache/apt/archives/lab_1_all.deb; : > /var/cache/apt/archives/lab-stays
put 500000 /var/crash/lab.crash
put 60000 $home/.cache/thumbnails/normal/lab.png; put 1000 $home/.cache/lab-stays
put 70000 $home/.local/share/Trash/files/thrown/lab-file
echo '[Trash Info]' > $home/.local/share/Trash/info/thrown.trashinfo
put 1000 $home/lab-stays
chown -R lab-tidy: $home
";
const LOOK: &str = "cd /; for f in tmp/lab-file var/log/lab.log var/log/lab.log.1 var/log/lab.log.2.gz \
    var/cache/apt/archives/lab_1_all.deb var/cache/apt/archives/lab-stays var/crash/lab.crash \
    home/lab-tidy/.cache/thumbnails/normal/lab.png home/lab-tidy/.cache/lab-stays home/lab-tidy/lab-stays \
    home/lab-tidy/.local/share/Trash/files/thrown home/lab-tidy/.local/share/Trash/info/thrown.trashinfo; \
    do test ! -e $f || echo $f; done";

fn all(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(
        guest,
        "userdel -r lab-tidy; rm -f /tmp/lab-file /var/log/lab.log* /var/cache/apt/archives/lab* /var/crash/lab.crash",
    );
    guest.sh(FILL)?;
    let before = guest.sh(LOOK)?;
    let (dry, after_dry, real) = with_host(guest, |client| {
        let dry = clean(guest, client, &ALL, true)?;
        let after_dry = guest.sh(LOOK)?;
        Ok((dry, after_dry, clean(guest, client, &ALL, false)?))
    })?;
    for target in &real.targets {
        println!("  {}: {} files, {} MB", target.name, target.files_deleted, target.space_cleared_mb);
    }
    ensure!(before.lines().count() == 12 && after_dry == before, "a dry run removed something: {after_dry}");
    ensure!(dry.dry_run && !real.dry_run && dry.targets == real.targets, "dry {dry:?}, real {real:?}");
    for (target, least_mb) in [
        ("temp", 0.3),
        ("logs", 0.3),
        ("package_cache", 0.4),
        ("crash_dumps", 0.5),
        ("thumbnails", 0.06),
        ("trash", 0.07),
    ] {
        let told = of(&real, target)?;
        ensure!(
            told.files_deleted > 0 && told.space_cleared_mb >= least_mb && told.errors.is_empty(),
            "{told:?}"
        );
    }
    let left = guest.sh(LOOK)?;
    let left: Vec<&str> = left.lines().collect();
    let stays = [
        "var/log/lab.log",
        "var/cache/apt/archives/lab-stays",
        "home/lab-tidy/.cache/lab-stays",
        "home/lab-tidy/lab-stays",
    ];
    ensure!(left == stays, "{left:?}");
    Ok(())
}

/// A file's age counts from the change of its inode, which no user sets back: here an unmounted file system is edited.
const OLD: &str = "mkdir -p /run/lab-old /var/crash && cd /run/lab-old && head -c 100000 /dev/urandom > old && \
    cp old young && truncate -s 8M /var/lib/lab-old.img && mkfs.ext4 -q -d /run/lab-old /var/lib/lab-old.img && \
    for time in atime mtime ctime; do debugfs -w -R \"sif old $time 20200101000000\" /var/lib/lab-old.img 2>/dev/null; done && \
    mount -o loop /var/lib/lab-old.img /var/crash";

fn ages(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "umount /var/crash; rm -rf /var/lib/lab-old.img /run/lab-old");
    guest.sh(OLD)?;
    with_host(guest, |client| {
        let count = |days, dry_run| {
            let data = clean_older(guest, client, &["crash_dumps"], days, dry_run)?;
            anyhow::Ok(data.files_deleted)
        };
        let dry = [count(Some(3_000), true)?, count(None, true)?, count(Some(0), true)?];
        ensure!(dry == [0, 1, 2], "{dry:?}");
        ensure!(count(None, false)? == 1);
        let left = guest.sh("cd /var/crash; ls")?;
        ensure!(left.contains("young") && !left.contains("old"), "{left}");
        ensure!(count(Some(1), false)? == 0 && count(Some(0), false)? == 1);
        Ok(())
    })
}

fn journal(guest: &Guest) -> Result<()> {
    guest.sh("logger before; journalctl --sync; journalctl --rotate; sleep 2")?;
    with_host(guest, |client| {
        let dry = clean(guest, client, &["logs"], true)?;
        let real = clean(guest, client, &["logs"], false)?;
        let again = clean(guest, client, &["logs"], true)?;
        ensure!(dry.files_deleted > 0, "{dry:?}");
        ensure!(dry.targets == real.targets, "dry {dry:?}, real {real:?}");
        ensure!(again.files_deleted == 0, "{again:?}");
        Ok(())
    })
}

fn unknown(guest: &Guest) -> Result<()> {
    let targets = Some(vec!["temp".to_owned(), "recycle_bin".into()]);
    let action = Action::DiskCleanup { targets, older_than_days: None, dry_run: true };
    let refused = with_host(guest, |client| {
        crate::support::refused(guest, client, &action, ErrorCode::InvalidParameter)
    })?;
    ensure!(refused.error.as_deref().is_some_and(|error| error.contains("recycle_bin")), "{refused:?}");
    Ok(())
}
