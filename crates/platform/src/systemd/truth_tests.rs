//! An operation is a success only where what was asked for is the case afterwards: against a real systemd.

use super::control::ControlError;
use super::name::UnitName;
use super::own_manager::OwnManager;
use super::*;
use infiniservice_protocol::ServiceOperation as Op;
use std::os::unix::fs::symlink;
use std::time::Duration;

const SLEEPS: &str = "[Service]\nExecStart=/bin/sleep 1000\n";

async fn control(client: &UnitClient, name: &str, operation: Op) -> Result<Done, ControlError> {
    let unit = UnitName::parse(name).unwrap();
    client.control(&unit, operation, &Progress::default()).await
}

async fn refused(client: &UnitClient, name: &str, operation: Op) -> String {
    control(client, name, operation).await.expect_err(name).to_string()
}

#[tokio::test]
async fn a_start_whose_condition_or_assertion_is_not_met_says_which() {
    let unit =
        |line: &str, kind: &str| format!("[Unit]\n{line}\n[Service]\nType={kind}\nExecStart=/bin/true\n");
    let condition = unit("ConditionPathExists=/nonexistent/x", "oneshot");
    let assert = unit("AssertPathExists=!/etc/passwd", "simple");
    let exec = "[Service]\nType=oneshot\nExecCondition=/bin/false\nExecStart=/bin/true\n";
    let Some(own) = OwnManager::start(&[
        ("condition.service", &condition),
        ("assert.service", &assert),
        ("exec.service", exec),
        ("runs.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n"),
    ]) else {
        return;
    };
    let client = UnitClient::at(own.on_bus());
    for operation in [Op::Start, Op::Restart] {
        let why = refused(&client, "condition", operation).await;
        assert!(why.contains("ConditionPathExists=/nonexistent/x"), "{why}");
        let why = refused(&client, "assert", operation).await;
        assert!(why.contains("AssertPathExists=!/etc/passwd"), "{why}");
        let why = refused(&client, "exec", operation).await;
        assert!(why.contains("ExecCondition="), "{why}");
    }
    let ran = control(&client, "runs", Op::Start).await.unwrap();
    assert_eq!(ran.service.status(), "stopped");
    assert!(ran.note.unwrap().contains("finished without an error"));
}

#[tokio::test]
async fn a_program_that_ends_at_once_is_no_success_whether_systemd_restarts_it_or_not() {
    let loops = |line: &str| format!("[Unit]\nStartLimitIntervalSec=0\n[Service]\n{line}\nRestart=always\n");
    let fails = loops("ExecStart=/bin/sh -c 'exit 7'\nRestartSec=1h");
    let quick = loops("ExecStart=/bin/false\nRestartSec=1ms");
    let quiet = loops("ExecStart=/bin/true\nRestartSec=1h");
    let Some(own) = OwnManager::start(&[
        ("fails.service", &fails),
        ("quick.service", &quick),
        ("quiet.service", &quiet),
        ("ends.service", "[Service]\nExecStart=/bin/true\n"),
        ("stays.service", SLEEPS),
    ]) else {
        return;
    };
    let client = UnitClient::at(own.on_bus());
    let why = refused(&client, "fails", Op::Start).await;
    assert!(why.contains("exit code 7") && why.contains("keeps restarting it"), "{why}");
    let why = refused(&client, "quick", Op::Start).await;
    assert!(why.contains("keeps restarting it"), "{why}");
    let why = refused(&client, "quiet", Op::Restart).await;
    assert!(why.contains("keeps restarting it"), "{why}");
    assert!(refused(&client, "ends", Op::Start).await.contains("ended at once"));
    assert_eq!(control(&client, "stays", Op::Start).await.unwrap().service.status(), "running");
    // In the list they have failed, and can be stopped.
    let listed = client.list_services().await.unwrap();
    let fails = listed.iter().find(|service| service.name == "fails.service").unwrap().info();
    assert_eq!((fails.status.as_str(), fails.can_stop), ("failed", true));
    assert!(fails.failure.unwrap().contains("exit code 7"));
    let stopped = control(&client, "fails", Op::Stop).await.unwrap();
    assert_eq!(stopped.service.status(), "stopped");
}

#[tokio::test]
async fn a_service_that_was_restarted_between_two_looks_has_failed_in_the_list() {
    let text = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 1000\nRestart=always\nRestartSec=1ms\n";
    let Some(own) = OwnManager::start(&[("dies.service", text)]) else { return };
    let client = UnitClient::at(own.on_bus());
    let status = async || {
        let listed = client.list_services().await.unwrap();
        listed.into_iter().find(|service| service.name == "dies.service").unwrap()
    };
    let pid = control(&client, "dies", Op::Start).await.unwrap().service.pid.unwrap();
    assert_eq!(status().await.status(), "running");
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let back = async { while status().await.restarts == 0 {} };
    tokio::time::timeout(Duration::from_secs(60), back).await.expect("systemd did not restart it");
    let info = status().await.info();
    assert_eq!((info.status.as_str(), info.restart_count), ("failed", Some(1)));
    assert!(info.failure.is_some());
    // A person's own restart begins anew.
    control(&client, "dies", Op::Stop).await.unwrap();
    control(&client, "dies", Op::Start).await.unwrap();
    assert_eq!(status().await.status(), "running");
}

#[tokio::test]
async fn failed_units_of_other_types_are_listed_beside_the_services() {
    let timer = "[Timer]\nOnActiveSec=1d\nUnit=there.service\n";
    let mount = "[Mount]\nWhat=/nonexistent/device\nWhere=/nonexistent\nType=ext4\n";
    let Some(own) = OwnManager::start(&[
        ("there.timer", timer),
        ("there.service", SLEEPS),
        ("nonexistent.mount", mount),
        (
            "pulls.service",
            "[Unit]\nWants=nonexistent.mount\nAfter=nonexistent.mount\n[Service]\nExecStart=/bin/sleep 1000\n",
        ),
    ]) else {
        return;
    };
    let client = UnitClient::at(own.on_bus());
    control(&client, "pulls", Op::Start).await.unwrap();
    let listed = client.list_services().await.unwrap();
    let mount = listed.iter().find(|service| service.name == "nonexistent.mount").expect("listed").info();
    assert_eq!((mount.status.as_str(), mount.can_start, mount.can_restart), ("failed", false, false));
    assert!(mount.failure.is_some(), "{mount:?}");
    assert!(listed.iter().all(|service| service.name != "there.timer"), "one that has not failed");
}

#[tokio::test]
async fn a_stop_names_the_socket_that_starts_the_service_again() {
    let root = tempfile::tempdir().unwrap();
    let socket = format!("[Socket]\nListenStream={}/socket\n", root.path().display());
    let Some(own) = OwnManager::start(&[("heard.socket", &socket), ("heard.service", SLEEPS)]) else {
        return;
    };
    let client = UnitClient::at(own.on_bus());
    control(&client, "heard.socket", Op::Start).await.unwrap();
    control(&client, "heard", Op::Start).await.unwrap();
    let stopped = control(&client, "heard", Op::Stop).await.unwrap();
    assert_eq!(stopped.service.info().triggered_by, ["heard.socket"]);
    assert!(stopped.note.unwrap().contains("heard.socket is active and starts it again"));
    control(&client, "heard.socket", Op::Stop).await.unwrap();
    let stopped = control(&client, "heard", Op::Stop).await.unwrap();
    assert_eq!((stopped.note, stopped.service.triggered_by.len()), (None, 0));
}

#[tokio::test]
async fn a_stop_of_what_is_started_again_at_once_is_no_success() {
    let path = "[Path]\nPathExists=/etc/passwd\n";
    let Some(own) = OwnManager::start(&[("kept.path", path), ("kept.service", SLEEPS)]) else { return };
    let client = UnitClient::at(own.on_bus());
    control(&client, "kept.path", Op::Start).await.unwrap();
    control(&client, "kept", Op::Start).await.unwrap();
    let why = refused(&client, "kept", Op::Stop).await;
    assert!(why.contains("kept.path started it again at once"), "{why}");
}

#[tokio::test]
async fn what_has_no_links_of_its_own_is_neither_enabled_nor_disabled() {
    let Some(own) = OwnManager::start(&[("plain.service", SLEEPS)]) else { return };
    let client = UnitClient::at(own.on_bus());
    for operation in [Op::Enable, Op::Disable] {
        let why = refused(&client, "plain", operation).await;
        assert!(why.contains("no [Install] section"), "{why}");
    }
    symlink("/dev/null", own.units().join("hidden.service")).unwrap();
    let disabled = control(&client, "hidden", Op::Disable).await.unwrap();
    assert_eq!(disabled.service.start_type, "masked");
    assert!(disabled.note.unwrap().contains("masked"));
}

#[tokio::test]
async fn an_alias_is_enabled_and_disabled_by_the_name_of_its_unit() {
    let text =
        "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=default.target\nAlias=other.service\n";
    let Some(own) = OwnManager::start(&[("real.service", text)]) else { return };
    let client = UnitClient::at(own.on_bus());
    assert_eq!(control(&client, "real", Op::Enable).await.unwrap().service.start_type, "enabled");
    assert_eq!(control(&client, "other", Op::Disable).await.unwrap().service.start_type, "disabled");
    let wants = own.units().join("default.target.wants/real.service");
    assert!(wants.symlink_metadata().is_err(), "it would still be started at boot");
}

#[tokio::test]
async fn what_stays_enabled_for_this_boot_or_by_another_is_not_called_disabled() {
    let installable = format!("{SLEEPS}[Install]\nWantedBy=default.target\n");
    let Some(own) = OwnManager::start(&[
        ("now.service", &installable),
        ("also.service", "[Service]\nExecStart=/bin/sleep 9\n[Install]\nAlso=now.service\n"),
    ]) else {
        return;
    };
    let client = UnitClient::at(own.on_bus());
    let connection = own.on_bus().connect().await.unwrap();
    let calls = calls::Calls { connection: &connection, unit: "now.service" };
    calls.manager("EnableUnitFiles", &(&["now.service"][..], true, false)).await.unwrap();
    assert_eq!(control(&client, "now", Op::Status).await.unwrap().service.start_type, "enabled-runtime");
    assert_eq!(control(&client, "now", Op::Disable).await.unwrap().service.start_type, "disabled");
    // Enabled only through another: said so.
    let through = control(&client, "also", Op::Enable).await.unwrap();
    assert_eq!(through.service.start_type, "indirect");
    assert!(through.note.unwrap().contains("now.service"));
}
