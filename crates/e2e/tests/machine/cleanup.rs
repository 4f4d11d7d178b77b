//! `DiskCleanup` against an ordinary user who races it, and against the real journal.

use anyhow::{Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::{Action, Response};

pub const SCENARIOS: &[Scenario] = &[
    ("cleanup::a_user_who_swaps_directories_for_links_gets_nothing_of_root_removed", race),
    ("cleanup::what_is_open_or_private_in_tmp_stays", in_use),
    ("cleanup::a_dry_run_of_the_logs_tells_what_journalctl_then_removes", journal),
    ("cleanup::an_unknown_target_is_refused", unknown),
];

/// Swaps on two levels, by absolute paths: a working directory would be in use, and stay.
const RACER: &str = r#"
my $d = "/tmp/race";
while (1) {
    mkdir "$d/a"; mkdir "$d/a/b";
    for my $f ("$d/a/file", "$d/a/b/file") { open(my $h, ">", $f) and close $h; }
    for (1..5) {
        rename "$d/a/b", "$d/a/c"; symlink "/srv/canary/b", "$d/a/b"; unlink "$d/a/b"; rename "$d/a/c", "$d/a/b";
        rename "$d/a", "$d/e"; symlink "/srv/canary", "$d/a"; unlink "$d/a"; rename "$d/e", "$d/a";
    }
}
"#;

fn clean(guest: &Guest, client: &Client, target: &str, dry_run: bool) -> Result<Response> {
    let targets = Some(vec![target.to_owned()]);
    guest.succeed(client, &Action::DiskCleanup { targets, older_than_days: Some(0), dry_run })
}

fn race(guest: &Guest) -> Result<()> {
    guest
        .sh("mkdir -p /srv/canary/b /tmp/race && echo canary | tee /srv/canary/file > /srv/canary/b/file")?;
    guest.sh("chown nobody /tmp/race")?;
    guest.sh(&format!(
        "cat > /srv/racer.pl <<'END'\n{RACER}\nEND\nsystemd-run --unit=racer --uid=nobody perl /srv/racer.pl"
    ))?;
    let client = guest.connect()?;
    let mut removed = 0;
    for _ in 0..30 {
        removed += clean(guest, &client, "temp", false)?.data["files_deleted"].as_u64().unwrap_or_default();
    }
    let racing = guest.sh("systemctl is-active racer");
    guest.sh("systemctl stop racer")?;
    let survived = guest.sh("cat /srv/canary/file /srv/canary/b/file")?;
    guest.sh("rm -rf /srv/canary /srv/racer.pl /tmp/race")?;
    guest.disconnect(client);
    ensure!(racing?.contains("active") && removed > 0, "nothing was raced: {removed} removed");
    ensure!(survived == "canary\ncanary", "what is left: {survived:?}");
    Ok(())
}

fn in_use(guest: &Guest) -> Result<()> {
    guest.sh(
        "systemd-run --unit=holder --uid=nobody sh -c 'exec 9>/tmp/held; echo > /tmp/loose; exec sleep 1000'",
    )?;
    guest.until("the holder's files", |guest| Ok(guest.sh("ls /tmp")?.contains("loose")))?;
    let client = guest.connect()?;
    clean(guest, &client, "temp", false)?;
    let left = guest.sh("ls -A /tmp /var/tmp");
    guest.sh("systemctl stop holder; rm -f /tmp/held")?;
    guest.disconnect(client);
    let left = left?;
    ensure!(left.contains("held") && !left.contains("loose"), "{left}");
    Ok(())
}

fn journal(guest: &Guest) -> Result<()> {
    guest.sh("logger before; journalctl --sync; journalctl --rotate; sleep 2")?;
    let client = guest.connect()?;
    let dry = clean(guest, &client, "logs", true)?.data;
    let real = clean(guest, &client, "logs", false)?.data;
    let again = clean(guest, &client, "logs", true)?.data;
    guest.disconnect(client);
    ensure!(dry["files_deleted"].as_u64() > Some(0), "{dry}");
    ensure!(dry["targets"] == real["targets"], "dry {dry}, real {real}");
    ensure!(again["files_deleted"] == 0, "{again}");
    Ok(())
}

fn unknown(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    let targets = Some(vec!["temp".to_owned(), "recycle_bin".into()]);
    let refused =
        guest.request(&client, &Action::DiskCleanup { targets, older_than_days: None, dry_run: true })?;
    guest.disconnect(client);
    ensure!(refused.error.as_deref().is_some_and(|error| error.contains("recycle_bin")), "{refused:?}");
    Ok(())
}
