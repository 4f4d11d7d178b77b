//! What the agent, `--diagnose`, systemd and `infinictl` say of each trouble with a real port and a real service manager: as
//! the tables of docs/operations.md quote it. Those that need neither are in `tests/it/symptoms.rs`.

use crate::AS_INFINICTL;
use crate::support::{Undo, in_unit, refused};
use anyhow::{Result, ensure};
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_e2e::{Guest, operations};
use infiniservice_protocol::{Action, ErrorCode};
use std::process::Command;

pub const SCENARIOS: &[Scenario] = &[
    ("symptoms::no_port", no_port),
    ("symptoms::a_port_of_another_name", other_name),
    ("symptoms::a_substitute_port", substitute),
    ("symptoms::a_port_held_by_another_program", busy),
    ("symptoms::a_second_agent", second_agent),
    ("symptoms::no_right_to_open_the_port", denied),
    ("symptoms::no_host", no_host),
    ("symptoms::a_second_program_on_the_host", second_host),
    ("symptoms::a_service_that_does_not_start_with_the_machine", disabled),
    ("symptoms::an_agent_that_hangs", hangs),
    ("symptoms::no_system_bus", no_bus),
];

const PROGRAM: &str = "/opt/infiniservice/infiniservice";

/// Marks the journal, so that only what comes later is looked at.
struct Since(String);

impl Since {
    fn now(guest: &Guest) -> Result<Self> {
        Ok(Self(guest.sh("journalctl -b -n 0 --show-cursor -o cat | sed -n 's/^-- cursor: //p'")?))
    }

    /// Waits until the log since then and what `also` prints hold what the page quotes for `test`.
    fn shown(&self, guest: &Guest, test: &str, also: &str) -> Result<()> {
        let script =
            format!("journalctl --after-cursor '{}' -u infiniservice -o cat --no-pager; {also}", self.0);
        operations::shown(test, || {
            let output = guest.machine.shell(&script)?;
            Ok(output.stdout + &output.stderr)
        })
    }
}

const DIAGNOSE: &str = "/opt/infiniservice/infiniservice --diagnose";

/// A host is served, and nothing is left of the trouble.
fn served(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    guest.wait(client.ping(TIMEOUT))?;
    guest.disconnect(client);
    Ok(())
}

fn no_port(guest: &Guest) -> Result<()> {
    let since = Since::now(guest)?;
    guest.machine.unplug_agent_port()?;
    let shown = since.shown(guest, "symptoms::no_port", DIAGNOSE);
    guest.machine.replug_agent_port()?;
    shown?;
    served(guest)
}

/// Plugs the agent's port in under another name, for as long as `look` takes.
fn named(guest: &Guest, name: &str, look: impl FnOnce() -> Result<()>) -> Result<()> {
    guest.machine.unplug_agent_port()?;
    guest.machine.plug_agent_port(name)?;
    let seen = look();
    guest.machine.unplug_agent_port()?;
    guest.machine.replug_agent_port()?;
    seen?;
    served(guest)
}

fn other_name(guest: &Guest) -> Result<()> {
    let since = Since::now(guest)?;
    named(guest, "org.infinibay.agnet", || since.shown(guest, "symptoms::a_port_of_another_name", DIAGNOSE))
}

fn substitute(guest: &Guest) -> Result<()> {
    let since = Since::now(guest)?;
    let diagnose = format!("{DIAGNOSE} --set qga=false");
    named(guest, "org.qemu.guest_agent.1", || since.shown(guest, "symptoms::a_substitute_port", &diagnose))
}

fn busy(guest: &Guest) -> Result<()> {
    let since = Since::now(guest)?;
    guest.sh("systemctl stop infiniservice")?;
    let hold = "exec 3<>/dev/virtio-ports/org.infinibay.agent; echo ready; exec sleep 1000";
    guest.sh(&format!("systemd-run -q --unit lab-holder sh -c '{hold}'"))?;
    let _undo = Undo::by(guest, "systemctl stop lab-holder");
    guest.sh(
        "until journalctl -b -u lab-holder -o cat | grep -q ready; do :; done; systemctl start infiniservice",
    )?;
    since.shown(guest, "symptoms::a_port_held_by_another_program", DIAGNOSE)?;
    guest.sh("systemctl stop lab-holder")?;
    served(guest)
}

/// As a user does who starts the program by hand.
fn second_agent(guest: &Guest) -> Result<()> {
    let since = Since::now(guest)?;
    let second = format!("timeout 3 {PROGRAM} --console 2>&1; {DIAGNOSE}");
    since.shown(guest, "symptoms::a_second_agent", &second)?;
    served(guest)
}

fn denied(guest: &Guest) -> Result<()> {
    let since = Since::now(guest)?;
    guest.sh("systemctl stop infiniservice")?;
    let undo = Undo::by(guest, "systemctl start infiniservice");
    let user = "setpriv --reuid 65534 --regid 65534 --clear-groups";
    // The service's own configuration is root's too.
    let config = "--config /run/lab-empty.toml";
    let agent = format!(
        ": > /run/lab-empty.toml; timeout 3 {user} {PROGRAM} --console {config} 2>&1; {user} {DIAGNOSE} {config}"
    );
    since.shown(guest, "symptoms::no_right_to_open_the_port", &agent)?;
    drop(undo);
    served(guest)
}

fn no_host(guest: &Guest) -> Result<()> {
    let since = Since::now(guest)?;
    guest.sh("systemctl restart infiniservice")?;
    since.shown(guest, "symptoms::no_host", DIAGNOSE)
}

/// QEMU and libvirt serve one program at a time; the second waits in vain, and is told so.
fn second_host(guest: &Guest) -> Result<()> {
    let first = guest.connect()?;
    guest.wait(first.ping(TIMEOUT))?;
    let mut second = Command::new(std::env::current_exe()?);
    second.env(AS_INFINICTL, "1").arg("--socket").arg(guest.machine.agent_socket());
    let output = second.args(["--timeout", "1", "ping", "--count", "1"]).output()?;
    ensure!(!output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr)?;
    guest.disconnect(first);
    operations::shown("symptoms::a_second_program_on_the_host", || Ok(said.clone()))
}

fn disabled(guest: &Guest) -> Result<()> {
    let since = Since::now(guest)?;
    let undo = Undo::by(guest, "systemctl --quiet enable --now infiniservice");
    // Disabled, it runs on until it is stopped.
    let both = format!(
        "systemctl --quiet enable --now infiniservice; systemctl --quiet disable infiniservice; {DIAGNOSE}; \
         systemctl stop infiniservice; {DIAGNOSE}"
    );
    since.shown(guest, "symptoms::a_service_that_does_not_start_with_the_machine", &both)?;
    drop(undo);
    served(guest)
}

/// The unit's watchdog, with three seconds instead of the minute that it has.
fn hangs(guest: &Guest) -> Result<()> {
    let since = Since::now(guest)?;
    let undo = in_unit(guest, "WatchdogSec=3\nRestartSec=1")?;
    let pid = guest.agent_pid()?;
    guest.sh(&format!("kill -STOP {pid}"))?;
    since.shown(guest, "symptoms::an_agent_that_hangs", "")?;
    guest.until("systemd starts it again", |guest| Ok(![0, pid].contains(&guest.agent_pid()?)))?;
    drop(undo);
    served(guest)
}

fn no_bus(guest: &Guest) -> Result<()> {
    guest.sh("systemctl stop dbus.socket dbus.service")?;
    let undo = Undo::by(guest, "systemctl start dbus.socket");
    let client = guest.connect()?;
    let answer = refused(guest, &client, &Action::ServiceList { state: None }, ErrorCode::Unsupported);
    drop(undo);
    let said = answer?.error.unwrap_or_default();
    operations::shown("symptoms::no_system_bus", || Ok(said.clone()))?;
    guest.until("services are listed again", |guest| {
        Ok(guest.request(&client, &Action::ServiceList { state: None })?.success)
    })?;
    guest.disconnect(client);
    Ok(())
}
