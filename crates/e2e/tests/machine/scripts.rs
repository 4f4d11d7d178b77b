//! Scripts that the agent stores: under systemd, through a kill, a restart and as another user.

use crate::support::{Undo, configured, data, in_unit, refused, with_host};
use anyhow::{Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::action::ScriptShell;
use infiniservice_protocol::data::{ScriptInfo, ScriptState, ScriptStatusData};
use infiniservice_protocol::{Action, ErrorCode};
use std::cell::RefCell;

pub const SCENARIOS: &[Scenario] = &[
    ("scripts::are_refused_with_the_name_of_the_setting_that_turns_them_on", off),
    ("scripts::go_on_after_a_kill_and_a_restart_and_what_had_begun_is_not_run_again", interrupted),
    ("scripts::of_another_user_run_with_his_rights_from_a_file_that_is_his_alone", as_another_user),
];

/// Whatever became of the scenario nothing of it is known any more.
const GONE: &str = "systemctl stop infiniservice; rm -rf /var/lib/infiniservice /run/lab-runs; systemctl start infiniservice";

fn script(id: &str, script: &str, run_as: Option<&str>) -> Action {
    Action::ScriptRun {
        execution_id: id.into(),
        script: script.into(),
        shell: Some(ScriptShell::Bash),
        name: None,
        run_as: run_as.map(str::to_owned),
        timeout_secs: None,
    }
}

/// The run, once it has ended, and what it wrote.
fn ended(guest: &Guest, client: &Client, id: &str) -> Result<(ScriptInfo, String)> {
    let action = Action::ScriptStatus { execution_id: Some(id.into()) };
    let found = RefCell::new(None);
    guest.until("the script has ended", |guest| {
        let response = guest.succeed(client, &action)?;
        let status: ScriptStatusData = serde_json::from_value(response.data)?;
        let told = status.scripts.into_iter().next().map(|info| (info, response.stdout));
        let mut found = found.borrow_mut();
        *found = told;
        Ok(found.as_ref().is_some_and(|(info, _)| info.state == ScriptState::Ended))
    })?;
    found.into_inner().ok_or_else(|| anyhow::anyhow!("{id} is not known"))
}

fn off(guest: &Guest) -> Result<()> {
    with_host(guest, |client| {
        let response =
            refused(guest, client, &script("off", "touch /run/lab-runs", None), ErrorCode::UnsafeDisabled)?;
        ensure!(response.error.is_some_and(|error| error.contains("allow_scripts")), "no setting is named");
        guest.sh("test ! -e /run/lab-runs && test ! -e /var/lib/infiniservice/scripts").map(drop)
    })
}

fn interrupted(guest: &Guest) -> Result<()> {
    let _gone = Undo::by(guest, GONE);
    let _on = configured(guest, "allow_scripts = true")?;
    let _usual = in_unit(guest, "RestartSec=0")?;
    for (id, end) in [
        ("killed", "systemctl kill -s KILL --kill-who=main infiniservice"),
        ("restarted", "systemctl restart --no-block infiniservice"),
    ] {
        let pid = guest.agent_pid()?;
        with_host(guest, |client| {
            // It waits for the next one to be stored; then it ends the agent.
            let begins = format!(
                "echo {id} >> /run/lab-runs; until ls /var/lib/infiniservice/scripts/*.waiting; do sleep 0.1; done; {end}; sleep 1000"
            );
            data::<ScriptInfo>(guest, client, &script(id, &begins, None))?;
            // Its answer may be lost with the agent.
            let _ = guest.request(client, &after(id));
            Ok(())
        })?;
        guest.until("another agent runs", |guest| {
            let state = guest.sh("systemctl show -p MainPID -p ActiveState infiniservice")?;
            Ok(state.contains("ActiveState=active")
                && state.lines().all(|line| line != format!("MainPID={pid}")))
        })?;
        with_host(guest, |client| {
            let (info, _) = ended(guest, client, id)?;
            let interrupted = info.error.as_deref() == Some("interrupted by a restart; not run again");
            ensure!(info.exit_code == Some(1) && interrupted, "{info:?}");
            data::<ScriptInfo>(guest, client, &after(id))?;
            ensure!(ended(guest, client, &format!("after-{id}"))?.0.exit_code == Some(0));
            Ok(())
        })?;
    }
    let runs = guest.sh(
        "cat /run/lab-runs; stat -c '%U %a' /var/lib/infiniservice/scripts; ls /run/infiniservice-scripts",
    )?;
    ensure!(runs == "killed\nafter-killed\nrestarted\nafter-restarted\nroot 700", "{runs}");
    Ok(())
}

/// Known already, it is not run a second time.
fn after(id: &str) -> Action {
    script(&format!("after-{id}"), &format!("echo after-{id} >> /run/lab-runs"), None)
}

fn as_another_user(guest: &Guest) -> Result<()> {
    let _gone = Undo::by(guest, GONE);
    let _on = configured(guest, "allow_scripts = true")?;
    with_host(guest, |client| {
        let looks = "id -un; stat -c '%U %a' \"$0\"; tr '\\0' ' ' < /proc/$$/cmdline; ls /run/infiniservice-scripts 2>&1";
        data::<ScriptInfo>(guest, client, &script("his", looks, Some("nobody")))?;
        let (info, stdout) = ended(guest, client, "his")?;
        ensure!(info.run_as.as_deref() == Some("nobody"), "{info:?}");
        ensure!(
            stdout.starts_with("nobody\nnobody 400\n") && stdout.contains("Permission denied"),
            "{stdout}"
        );
        ensure!(!stdout.contains("id -un"), "the text is among the arguments: {stdout}");
        data::<ScriptInfo>(guest, client, &script("none", "id", Some("nosuchuser")))?;
        ensure!(ended(guest, client, "none")?.0.exit_code == Some(127));
        Ok(())
    })
}
