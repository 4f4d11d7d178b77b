//! An ordinary user races the cleanup, and lays things out so that it might remove what is not his.

use super::{clean, of};
use crate::support::{Undo, with_host};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;

pub const RACE: &[Scenario] =
    &[("cleanup::a_user_who_swaps_directories_for_links_gets_nothing_of_root_removed", race)];
pub const SCENARIOS: &[Scenario] = &[
    ("cleanup::links_mounts_and_what_is_open_stay", stays),
    ("cleanup::a_hostile_name_in_an_error_is_one_line_without_control_characters", names),
];

/// Cleanups while the user swaps. With the descriptors and their comparison taken away, forty were fooled in every second run.
const ROUNDS: usize = 150;

/// Fills a directory elsewhere, moves it in, and swaps it and its subdirectory for links in one step each (`renameat2(2)` with
/// `RENAME_EXCHANGE`), as fast as it can. All by absolute paths: a working directory would be in use, and stay.
const RACER: &str = r#"
my ($d, $stage, $swaps) = ("/tmp/race", "/srv/stage", 0);
sub fill {
    mkdir $stage; mkdir "$stage/sub";
    for my $name ("precious", "sub/precious") { open(my $h, ">", "$stage/$name"); close $h; }
    symlink "/srv/canary/sub", "$stage/inner";
}
sub swap { $swaps++ if syscall(316, -100, $_[0], -100, $_[1], 2) == 0; }
while (1) {
    fill();
    unlink "$d/dir"; rename $stage, "$d/dir"; symlink "/srv/canary", "$d/link";
    for (1..20) { swap("$d/dir", "$d/link"); swap("$d/dir/sub", "$d/dir/inner"); }
    open(my $h, ">", "/srv/swaps/new"); print $h $swaps; close $h; rename "/srv/swaps/new", "/srv/swaps/count";
}
"#;

fn race(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(
        guest,
        "systemctl stop racer; systemctl reset-failed racer; rm -rf /srv/canary /srv/racer.pl /srv/stage /srv/swaps /tmp/race",
    );
    guest.machine.write_file("/srv/racer.pl", RACER.as_bytes())?;
    guest.sh(
        "mkdir -p /srv/canary/sub /srv/swaps /srv/stage /tmp/race && chmod 755 /srv /srv/canary /srv/canary/sub && \
         echo canary | tee /srv/canary/precious > /srv/canary/sub/precious && chmod 644 /srv/racer.pl && \
         chown nobody /tmp/race /srv/swaps /srv/stage && mv /srv/stage /srv/swaps/stage && \
         sed -i s,/srv/stage,/srv/swaps/stage, /srv/racer.pl && \
         systemd-run -q --unit racer --uid nobody perl /srv/racer.pl",
    )?;
    guest.until("the first swaps", |guest| {
        Ok(!guest.sh("cat /srv/swaps/count 2>/dev/null || true")?.is_empty())
    })?;
    let removed = with_host(guest, |client| {
        let mut removed = 0;
        for _ in 0..ROUNDS {
            removed += clean(guest, client, &["temp"], false)?.files_deleted;
        }
        Ok(removed)
    })?;
    let state = guest.sh("systemctl is-active racer || true")?;
    let swaps: u64 = guest.sh("systemctl stop racer; cat /srv/swaps/count")?.parse()?;
    println!("{ROUNDS} cleanups removed {removed} files while {swaps} swaps were made");
    let survived = guest.sh("cat /srv/canary/precious /srv/canary/sub/precious; true")?;
    ensure!(survived == "canary\ncanary", "what is left after {removed} removals: {survived:?}");
    ensure!(state == "active" && removed > 0 && swaps > 100, "{state}: {removed} removed, {swaps} swaps");
    Ok(())
}

/// Also a mount of the same file system, which no device number tells apart.
fn stays(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(
        guest,
        "systemctl stop holder; umount /tmp/lab-bind /tmp/lab-tmpfs; \
         rm -rf /tmp/lab-bind /tmp/lab-tmpfs /tmp/held /tmp/mapped /srv/canary",
    );
    guest.sh(
        "mkdir -p /srv/canary /tmp/lab-bind /tmp/lab-tmpfs && echo canary > /srv/canary/precious && \
         mount --bind /srv/canary /tmp/lab-bind && mount -t tmpfs lab /tmp/lab-tmpfs && echo > /tmp/lab-tmpfs/file && \
         ln -s /srv/canary /tmp/lab-link && \
         systemd-run -q --unit holder --uid nobody sh -c 'exec 9>/tmp/held; echo > /tmp/loose; exec sleep 1000'",
    )?;
    guest.until("the holder's files", |guest| Ok(guest.sh("ls /tmp")?.contains("loose")))?;
    with_host(guest, |client| clean(guest, client, &["temp"], false))?;
    let left =
        guest.sh("cd /tmp; ls -d held loose lab-link lab-bind/precious lab-tmpfs/file 2>/dev/null; true")?;
    let left: Vec<&str> = left.lines().collect();
    ensure!(left == ["held", "lab-bind/precious", "lab-tmpfs/file"], "{left:?}");
    Ok(())
}

/// A directory deeper than the walk goes is told, by a name that its owner chose.
fn names(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "rm -rf /tmp/deep*");
    guest.sh("perl -e '$_ = \"/tmp/deep\\e[31m\\n\\xff\"; mkdir or die; \
         for my $n (1..110) { $_ .= \"/d\"; mkdir or die } chmod 0755, $_'")?;
    let data = with_host(guest, |client| clean(guest, client, &["temp"], true))?;
    let errors = &of(&data, "temp")?.errors;
    ensure!(errors.iter().any(|error| error.contains("/deep") && error.len() < 1500), "{errors:?}");
    ensure!(!errors.concat().contains(char::is_control), "{errors:?}");
    Ok(())
}
