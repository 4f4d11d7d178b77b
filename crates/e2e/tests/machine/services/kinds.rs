//! Units of each type, brought through their life.

use super::{done, failed, units};
use crate::support::{equal, with_host};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::ServiceOperation::{Disable, Enable, Restart, Start, Status, Stop};

pub const SCENARIOS: &[Scenario] = &[
    ("services::a_simple_unit_is_started_restarted_stopped_enabled_and_disabled", simple),
    ("services::a_oneshot_unit_has_run_when_its_start_is_answered", oneshot),
    ("services::a_notify_unit_is_answered_once_it_is_ready", notify),
    ("services::a_forking_unit_tells_its_main_process", forking),
    ("services::an_instance_of_a_template_runs_and_the_template_itself_does_not", template),
    ("services::a_name_with_an_escape_and_units_of_other_types_are_taken", names),
];

const SIMPLE: &str = "[Unit]\nDescription=Made up: \u{e9}t\u{e9}\n[Service]\nExecStart=/bin/sleep 1000\n\
    [Install]\nWantedBy=multi-user.target\n";

fn simple(guest: &Guest) -> Result<()> {
    let _undo = units(guest, &[("lab-simple.service", SIMPLE)])?;
    let unit = "lab-simple";
    with_host(guest, |client| {
        let one = done(guest, client, unit, Status)?;
        equal(
            "at first",
            (one.status.as_str(), one.startup_type.as_str(), one.pid),
            ("stopped", "disabled", None),
        )?;
        equal("what is offered", (one.can_start, one.can_stop, one.can_restart), (true, false, true))?;
        equal("names", (one.name.as_str(), one.display_name.as_str()), ("lab-simple.service", unit))?;
        let started = done(guest, client, unit, Start)?;
        equal(
            "started",
            (started.status.as_str(), started.can_start, started.can_stop),
            ("running", false, true),
        )?;
        let again = done(guest, client, unit, Start)?;
        ensure!(started.pid.is_some() && again.pid == started.pid, "{started:?}, then {again:?}");
        let restarted = done(guest, client, "lab-simple.service", Restart)?;
        ensure!(restarted.pid.is_some() && restarted.pid != started.pid, "{restarted:?}");
        equal("enabled", done(guest, client, unit, Enable)?.startup_type.as_str(), "enabled")?;
        guest.sh("test -L /etc/systemd/system/multi-user.target.wants/lab-simple.service")?;
        let disabled = done(guest, client, unit, Disable)?;
        equal(
            "disabled, still running",
            (disabled.startup_type.as_str(), disabled.pid),
            ("disabled", restarted.pid),
        )?;
        guest.sh("! test -L /etc/systemd/system/multi-user.target.wants/lab-simple.service")?;
        let stopped = done(guest, client, unit, Stop)?;
        equal("stopped", (stopped.status.as_str(), stopped.pid), ("stopped", None))?;
        equal("stopped twice", done(guest, client, unit, Stop)?.status.as_str(), "stopped")?;
        equal("restart starts", done(guest, client, unit, Restart)?.status.as_str(), "running")
    })
}

fn oneshot(guest: &Guest) -> Result<()> {
    let staying = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'sleep 1; echo ran >> /run/lab-ran'\n";
    let leaving = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'sleep 1; echo ran >> /run/lab-ran'\n";
    let _undo = units(guest, &[("lab-stays.service", staying), ("lab-leaves.service", leaving)])?;
    guest.sh("rm -f /run/lab-ran")?;
    with_host(guest, |client| {
        equal("stays", done(guest, client, "lab-stays", Start)?.status.as_str(), "exited")?;
        equal("times it ran", guest.sh("cat /run/lab-ran")?.as_str(), "ran")?;
        equal("leaves", done(guest, client, "lab-leaves", Start)?.status.as_str(), "stopped")?;
        equal("times it ran", guest.sh("cat /run/lab-ran; rm /run/lab-ran")?.as_str(), "ran\nran")?;
        equal("stopped", done(guest, client, "lab-stays", Stop)?.status.as_str(), "stopped")
    })
}

fn notify(guest: &Guest) -> Result<()> {
    let text = "[Service]\nType=notify\nNotifyAccess=all\n\
        ExecStart=/bin/sh -c 'sleep 2; touch /run/lab-ready; systemd-notify --ready; exec sleep 1000'\n";
    let _undo = units(guest, &[("lab-notify.service", text)])?;
    with_host(guest, |client| {
        let one = done(guest, client, "lab-notify", Start)?;
        ensure!(one.status == "running" && one.pid.is_some(), "{one:?}");
        // It exists only if the answer waited for the unit to be ready.
        guest.sh("rm /run/lab-ready").map(drop)
    })
}

fn forking(guest: &Guest) -> Result<()> {
    let text = "[Service]\nType=forking\nExecStart=/bin/sh -c 'sleep 1000 & exit 0'\n";
    let _undo = units(guest, &[("lab-forking.service", text)])?;
    with_host(guest, |client| {
        let one = done(guest, client, "lab-forking", Start)?;
        equal("status", one.status.as_str(), "running")?;
        let name = guest.sh(&format!("cat /proc/{}/comm", one.pid.unwrap_or_default()))?;
        equal("its main process", name.as_str(), "sleep")
    })
}

fn template(guest: &Guest) -> Result<()> {
    let text = "[Unit]\nDescription=Instance %i\n[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n";
    let _undo = units(guest, &[("lab-t@.service", text)])?;
    with_host(guest, |client| {
        let one = done(guest, client, "lab-t@one", Start)?;
        equal("instance", (one.status.as_str(), one.description.as_str()), ("running", "Instance one"))?;
        equal("other instance", done(guest, client, "lab-t@two", Status)?.status.as_str(), "stopped")?;
        equal("enabled", done(guest, client, "lab-t@one", Enable)?.startup_type.as_str(), "enabled")?;
        guest.sh("test -L '/etc/systemd/system/multi-user.target.wants/lab-t@one.service'")?;
        equal("disabled", done(guest, client, "lab-t@one", Disable)?.startup_type.as_str(), "disabled")?;
        equal("stopped", done(guest, client, "lab-t@one", Stop)?.status.as_str(), "stopped")?;
        failed(guest, client, "lab-t@", Start, ErrorCode::ExecutionFailed, "template").map(drop)
    })
}

fn names(guest: &Guest) -> Result<()> {
    let timer = "[Timer]\nOnActiveSec=1d\n[Install]\nWantedBy=timers.target\n";
    let _undo = units(
        guest,
        &[(r"lab-a\x2db.service", SIMPLE), ("lab-simple.service", SIMPLE), ("lab-simple.timer", timer)],
    )?;
    with_host(guest, |client| {
        let one = done(guest, client, r"lab-a\x2db", Start)?;
        equal("escaped", (one.name.as_str(), one.status.as_str()), (r"lab-a\x2db.service", "running"))?;
        equal("stopped", done(guest, client, r"lab-a\x2db.service", Stop)?.status.as_str(), "stopped")?;
        guest.succeed(client, &super::action("lab-simple.timer", Start))?;
        equal("the timer", guest.sh("systemctl is-active lab-simple.timer")?.as_str(), "active")?;
        guest.succeed(client, &super::action("lab-simple.timer", Stop))?;
        equal("the timer", guest.sh("systemctl is-active lab-simple.timer || true")?.as_str(), "inactive")
    })
}
