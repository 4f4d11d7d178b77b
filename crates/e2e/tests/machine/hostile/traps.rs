//! Whatever is asked of the agent, it starts nothing that an ordinary user owns.

use crate::support::{Undo, answer_to, data, metrics, with_host};
use anyhow::{Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::ApplicationInventoryData;
use serde_json::{Value, json};

pub const SCENARIOS: &[Scenario] =
    &[("hostile::nothing_that_a_user_owns_is_executed_whatever_is_asked", traps)];

const SET_UP: &str = include_str!("traps.sh");
const CLEAN_UP: &str = "echo -1 > /proc/sys/fs/binfmt_misc/lab-appimage; systemctl stop lab-trap-1 lab-trap-2; rm -rf /run/systemd/system/infiniservice.service.d; \
    systemctl daemon-reload; systemctl restart infiniservice; rm -rf /srv/lab-marks /srv/lab-trap /tmp/lab-path /tmp/httpd /tmp/sshd; \
    rm -f /usr/bin/flatpak /usr/bin/snap /usr/local/share/applications/lab-trap.desktop; userdel -r mallory 2>&1";
/// Springs one trap of each kind.
const SPRING: &str = "/tmp/httpd; /home/mallory/.local/bin/dpkg-query; /home/mallory/Applications/Trap-1.0.AppImage --version; \
    ls /srv/lab-marks";

/// Everything that reads, and what changes nothing or refuses; the update comes last, as it may take long.
fn round() -> Vec<Value> {
    vec![
        json!({"action": "ServiceList"}),
        json!({"action": "ServiceControl", "service": "lab-trap-1", "operation": "status"}),
        json!({"action": "ServiceControl", "service": "lab-trap-2", "operation": "restart"}),
        json!({"action": "PackageList"}),
        json!({"action": "PackageInstall", "package": "lab-nosuch"}),
        json!({"action": "PackageRemove", "package": "lab-nosuch"}),
        json!({"action": "ProcessList"}),
        json!({"action": "ProcessKill", "pid": 4_194_304}),
        json!({"action": "ApplicationInventory"}),
        json!({"action": "Autochecks"}),
        json!({"action": "DiskCleanup", "dry_run": true}),
        json!({"action": "DiskCleanup"}),
        json!({"action": "UpdateInstall", "security_only": true}),
        json!({"action": "UpdateCheck"}),
    ]
}

fn traps(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, CLEAN_UP);
    guest.sh(SET_UP)?;
    guest.until("the listeners", |guest| {
        let listening = guest.sh("ss -ltnH")?;
        Ok(listening.contains(":8099") && listening.contains(":2222"))
    })?;
    with_host(guest, |client| {
        for command in round() {
            let action = command["action"].as_str().unwrap_or_default().to_owned();
            let response = answer_to(guest, client, json!({"type": "SafeCommand", "command_type": command}))?;
            println!(
                "  {action}: {} in {} ms",
                response.error_code.map_or("done".into(), |code| code.to_string()),
                response.execution_time_ms
            );
        }
        let told = metrics(guest, client)?;
        ensure!(
            told.data.processes.iter().any(|process| process.name == "httpd"),
            "the listener is not told"
        );
        inventory(guest, client)
    })?;
    let marks = guest.sh("ls /srv/lab-marks")?;
    ensure!(marks.is_empty(), "these were executed: {marks}");
    let sprung = guest.sh(SPRING)?;
    ensure!(sprung == "appimage\ndpkg-query\nhttpd", "the traps do not work: {sprung}");
    Ok(())
}

/// The traps were seen, or else there was nothing to be tempted by.
fn inventory(guest: &Guest, client: &Client) -> Result<()> {
    let action = Action::ApplicationInventory { limit: None, filter: Some("trap".into()) };
    let found: ApplicationInventoryData = data(guest, client, &action)?;
    let mut sources: Vec<_> = found.applications.into_iter().map(|one| one.source).collect();
    sources.sort_unstable();
    ensure!(sources == ["appimage", "desktop", "desktop"], "{sources:?}");
    Ok(())
}
