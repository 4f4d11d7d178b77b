//! What `ServiceControl` does not do.

use super::{action, done, failed, units};
use crate::support::{Undo, equal, refused, with_host};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::ServiceOperation::{Disable, Enable, Restart, Start, Status, Stop};

pub const SCENARIOS: &[Scenario] = &[
    ("services::a_masked_unit_is_told_and_not_started", masked),
    ("services::a_unit_without_an_install_section_is_not_enabled", not_installable),
    ("services::a_unit_that_is_not_there_is_not_found", absent),
    ("services::names_that_are_none_are_refused_before_anything_runs", bad_names),
    ("services::the_agent_does_not_stop_or_disable_itself_by_any_name", own),
    ("services::the_agent_restarts_itself_and_answers_first", own_restart),
];

fn masked(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, "rm -f /etc/systemd/system/lab-masked.service; systemctl daemon-reload");
    guest.sh("ln -s /dev/null /etc/systemd/system/lab-masked.service && systemctl daemon-reload")?;
    with_host(guest, |client| {
        let one = done(guest, client, "lab-masked", Status)?;
        equal(
            "status",
            (one.startup_type.as_str(), one.can_start, one.can_restart),
            ("masked", false, false),
        )?;
        for operation in [Start, Restart, Enable] {
            failed(guest, client, "lab-masked", operation, ErrorCode::ExecutionFailed, "unmask")?;
        }
        Ok(())
    })
}

fn not_installable(guest: &Guest) -> Result<()> {
    let _undo = units(guest, &[("lab-static.service", "[Service]\nExecStart=/bin/sleep 1000\n")])?;
    with_host(guest, |client| {
        equal("status", done(guest, client, "lab-static", Status)?.startup_type.as_str(), "static")?;
        failed(guest, client, "lab-static", Enable, ErrorCode::ExecutionFailed, "[Install]").map(drop)
    })
}

fn absent(guest: &Guest) -> Result<()> {
    with_host(guest, |client| {
        for operation in [Start, Stop, Restart, Enable, Disable, Status] {
            for unit in ["lab-absent", "lab-absent@one.service", r"lab\x2dabsent", "lab-absent.timer"] {
                failed(guest, client, unit, operation, ErrorCode::NotFound, "lab")?;
            }
        }
        Ok(())
    })
}

fn bad_names(guest: &Guest) -> Result<()> {
    let long = "x".repeat(256);
    let names = [
        "",
        " ",
        "-h",
        "--now",
        "../lab",
        "/etc/passwd",
        "a b",
        "a\nb",
        "a;id",
        "$(id)",
        "`id`",
        "a\u{0}b",
        "a\u{1b}[31m",
        "caf\u{e9}",
        "*",
        "lab?",
        "[a-z]*",
        "poweroff.target",
        "-.slice",
        "-.mount",
        "init.scope",
        "dev-vda.device",
        ".service",
        "@.service",
        &long,
    ];
    with_host(guest, |client| {
        for name in names {
            for operation in [Status, Stop] {
                refused(guest, client, &action(name, operation), ErrorCode::InvalidParameter)?;
            }
        }
        guest.wait(client.ping(TIMEOUT))?;
        Ok(())
    })
}

/// By its name with and without suffix, and by another name that leads to the same unit.
fn own(guest: &Guest) -> Result<()> {
    let alias = "/etc/systemd/system/lab-other-name.service";
    let _undo = Undo::by(guest, format!("rm -f {alias}; systemctl daemon-reload"));
    guest.sh(&format!(
        "ln -s \"$(systemctl show -p FragmentPath --value infiniservice)\" {alias} && systemctl daemon-reload"
    ))?;
    let pid = guest.agent_pid()?;
    with_host(guest, |client| {
        for name in ["infiniservice", "infiniservice.service", "lab-other-name"] {
            for operation in [Stop, Disable] {
                failed(guest, client, name, operation, ErrorCode::ExecutionFailed, "this agent")?;
            }
        }
        let one = done(guest, client, "infiniservice", Status)?;
        equal(
            "status",
            (one.status.as_str(), one.startup_type.as_str(), one.pid),
            ("running", "enabled", Some(pid)),
        )
    })
}

fn own_restart(guest: &Guest) -> Result<()> {
    let pid = guest.agent_pid()?;
    with_host(guest, |client| {
        let response = guest.succeed(client, &action("infiniservice", Restart))?;
        ensure!(response.stdout.contains("being restarted"), "{response:?}");
        guest.until("systemd has started it anew", |guest| Ok(![0, pid].contains(&guest.agent_pid()?)))?;
        guest.wait(client.ping(TIMEOUT))?;
        equal("status", done(guest, client, "infiniservice", Status)?.status.as_str(), "running")
    })
}
