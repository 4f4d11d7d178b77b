//! The first contact.

use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::GuestMessage;

pub const SCENARIOS: &[Scenario] = &[
    ("start::systemd_calls_the_unit_running", unit_runs),
    ("start::the_first_metrics_have_an_address", first_metrics),
    ("start::metrics_have_the_services", services),
    ("start::hello_names_the_machine_and_what_it_can_do", hello),
    ("start::heartbeats_come_and_count_up", heartbeats),
    ("start::diagnose_calls_the_channel_usable", diagnose),
];

fn unit_runs(guest: &Guest) -> Result<()> {
    let state = guest.sh("systemctl show -p ActiveState,SubState,Type,StatusText infiniservice")?;
    for wanted in [
        "ActiveState=active",
        "SubState=running",
        "Type=notify",
        "StatusText=Port open, waiting for the host",
    ] {
        ensure!(state.contains(wanted), "{wanted} is not in:\n{state}");
    }
    Ok(())
}

fn first_metrics(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    let mut events = client.subscribe();
    let first = guest.message(&mut events, "system_metrics", |message| match message {
        GuestMessage::SystemMetrics(metrics) => Some(metrics.clone()),
        _ => None,
    })?;
    let interface = first.data.system.network.interfaces.first();
    let addresses = interface.map(|interface| interface.ip_addresses.clone()).unwrap_or_default();
    ensure!(addresses.contains(&"10.0.2.15".to_owned()), "the first interface has {addresses:?}");
    ensure!(!first.data.processes.is_empty(), "{:?}", first.collection);
    let told = guest.sh("systemd-detect-virt")?;
    ensure!(first.data.system.host.virtualization == Some(told), "{:?}", first.data.system.host);
    guest.disconnect(client);
    Ok(())
}

/// systemd takes seconds to list its unit files on a cold and slow machine; metrics do not wait for that.
fn services(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    guest.until("the metrics have the services", |guest| {
        let metrics = guest.wait(client.metrics(TIMEOUT))?;
        Ok(metrics
            .data
            .services
            .iter()
            .any(|service| service.name == "infiniservice.service" && service.pid.is_some()))
    })?;
    guest.disconnect(client);
    Ok(())
}

fn hello(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    let hello = guest.wait(client.hello(TIMEOUT))?;
    ensure!(hello.vm_id.as_deref() == Some("lab-1") && hello.os.starts_with("Debian"), "{hello:?}");
    let services = hello.capabilities.iter().find(|capability| capability.name == "ServiceList");
    ensure!(services.is_some_and(|capability| capability.enabled), "{:?}", hello.capabilities);
    guest.disconnect(client);
    Ok(())
}

fn heartbeats(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    let mut events = client.subscribe();
    let mut number = || {
        guest.message(&mut events, "keep_alive", |message| match message {
            GuestMessage::KeepAlive(heartbeat) => Some(heartbeat.sequence_number),
            _ => None,
        })
    };
    let (first, second) = (number()?, number()?);
    ensure!(second == first + 1, "{first}, then {second}");
    guest.disconnect(client);
    Ok(())
}

fn diagnose(guest: &Guest) -> Result<()> {
    let output = guest.machine.shell("/opt/infiniservice/infiniservice --diagnose")?;
    ensure!(output.exit_code == Some(0), "{output:?}");
    ensure!(output.stdout.contains("org.infinibay.agent"), "{}", output.stdout);
    Ok(())
}
