//! The agent in a domain of the host's real libvirt, with the channel of `packaging/libvirt-channel.xml`.
//!
//! One domain for all scenarios. `cargo xtask lab libvirt` runs them; docs/operations.md tells what was seen.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::harness::{self, Scenario};
use infiniservice_e2e::libvirt::{AS_INFINICTL, CHANNEL, GUEST_AGENT};
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_e2e::{Libvirt, hub};
use infiniservice_lab::libvirt::NAME;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::ExitCode;

const ALL: &[Scenario<Libvirt>] = &[
    ("libvirt::an_agent_installed_into_the_image_answers_through_libvirts_socket", answers),
    ("libvirt::infinihub_names_the_machine_as_libvirt_does_and_serves_it_across_a_restart", by_the_hub),
    ("libvirt::infinictl_finds_the_channel_by_the_domains_name", by_its_name),
    ("libvirt::both_agents_have_their_channels_and_libvirt_calls_them_connected", connected),
    ("libvirt::the_socket_is_for_root_and_libvirts_own_user", socket_modes),
    ("libvirt::a_suspended_domain_answers_once_it_is_resumed", suspended),
    ("libvirt::a_restart_of_libvirtd_goes_unnoticed", daemon_restarted),
    ("libvirt::a_saved_domain_is_restored_with_the_same_agent", saved),
    ("libvirt::a_channel_is_plugged_out_of_and_into_the_running_domain", replugged),
    ("libvirt::a_guest_that_slept_answers_when_it_is_woken", slept),
    ("libvirt::a_reboot_by_libvirt_brings_the_agent_back", rebooted),
];

fn main() -> ExitCode {
    if std::env::var_os(AS_INFINICTL).is_some() {
        return infinictl::cli::main();
    }
    harness::run(ALL).exit_code()
}

fn answers(libvirt: &Libvirt) -> Result<()> {
    let ping = libvirt.infinictl(&["--timeout", "60", "ping", "--count", "2"])?;
    println!("{ping}");
    ensure!(ping.contains("2 sent, 2 answered"), "{ping}");
    let hello: Value = serde_json::from_str(&libvirt.infinictl(&["--json", "--timeout", "60", "hello"])?)?;
    ensure!(hello["vm_id"] == "libvirt-1", "{hello}");
    let metrics = libvirt.infinictl(&["--json", "--timeout", "60", "metrics"])?;
    let metrics: Value = serde_json::from_str(&metrics)?;
    ensure!(metrics["data"]["system"]["memory"]["total_kb"].as_u64() > Some(500_000), "{metrics}");
    ensure!(metrics["data"]["system"]["host"]["hostname"] == "lab", "{metrics}");
    let services = libvirt.infinictl(&["--timeout", "60", "service", "list"])?;
    let own = services.lines().find(|line| line.starts_with("infiniservice.service"));
    println!("{}", own.unwrap_or_default());
    ensure!(own.is_some_and(|line| line.contains("running")), "{services}");
    Ok(())
}

/// With the patterns that it has unless it is told others.
fn by_the_hub(libvirt: &Libvirt) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let root = directory.path().to_string_lossy();
    let hub = hub::start(directory.path(), "listen = \"\"\n")?;
    let of_hub = |arguments: &[&str]| libvirt.infinictl_by(&["--hub", &root], arguments);
    let start = std::time::Instant::now();
    let listed = loop {
        match of_hub(&["--json", "list", "state=up"]) {
            Ok(listed) if !listed.trim().is_empty() => break listed,
            other => ensure!(start.elapsed() < TIMEOUT, "the hub does not list the machine: {other:?}"),
        }
    };
    println!("{listed}");
    let machine: Value = serde_json::from_str(listed.trim())?;
    ensure!(machine["name"] == NAME, "{machine}");
    let ping = of_hub(&["--vm", NAME, "--timeout", "60", "ping", "--count", "1"])?;
    ensure!(ping.contains("1 answered"), "{ping}");
    // What holds the socket is named to whoever wants it, too.
    let held = libvirt.infinictl(&["--timeout", "2", "ping"]).expect_err("the hub holds the socket");
    println!("beside the hub: {held:#}");
    drop(hub);
    let _again = hub::start(directory.path(), "listen = \"\"\n")?;
    while let Err(error) = of_hub(&["--vm", NAME, "--timeout", "60", "ping", "--count", "1"]) {
        ensure!(start.elapsed() < 2 * TIMEOUT, "not after a restart of the hub: {error:#}");
    }
    Ok(())
}

fn by_its_name(libvirt: &Libvirt) -> Result<()> {
    let ping = libvirt.infinictl_by(&["--domain", NAME], &["--timeout", "60", "ping", "--count", "1"])?;
    ensure!(ping.contains("1 answered"), "{ping}");
    let none = libvirt.infinictl_by(&["--domain", "nobody"], &["ping"]).expect_err("there is no such domain");
    println!("{none:#}");
    ensure!(none.to_string().contains("no running domain"), "{none:#}");
    Ok(())
}

fn connected(libvirt: &Libvirt) -> Result<()> {
    // qemu-ga starts later, and is what this waits for.
    let held = libvirt.sh("systemctl show -p StatusText --value infiniservice")?;
    for channel in [CHANNEL, GUEST_AGENT] {
        let state = libvirt.domain.channel_state(channel)?;
        println!("{channel}: {state:?}");
        ensure!(state.as_deref() == Some("connected"), "{channel}: {state:?}");
    }
    ensure!(held.starts_with("Port open") || held.starts_with("Connected"), "{held}");
    Ok(())
}

/// What an operator has to know before an ordinary user shall speak to the agent.
fn socket_modes(libvirt: &Libvirt) -> Result<()> {
    let socket = libvirt.domain.agent_socket();
    let directory = socket.parent().context("a directory")?;
    for path in [directory, socket] {
        let found = fs::metadata(path)?;
        println!("{}: {:o}, {}:{}", path.display(), found.permissions().mode(), found.uid(), found.gid());
    }
    ensure!(
        fs::metadata(directory)?.permissions().mode() & 0o777 == 0o750,
        "others may enter {}",
        directory.display()
    );
    Ok(())
}

fn suspended(libvirt: &Libvirt) -> Result<()> {
    let client = libvirt.connect()?;
    libvirt.ping(&client)?;
    libvirt.domain.virsh(&["suspend", NAME])?;
    let state = libvirt.domain.virsh(&["domstate", NAME])?;
    ensure!(state == "paused", "{state}");
    let asked = libvirt.wait(client.ping(std::time::Duration::from_secs(2)));
    ensure!(asked.is_err(), "a paused machine answered: {asked:?}");
    libvirt.domain.virsh(&["resume", NAME])?;
    libvirt.ping(&client)?;
    libvirt.wait(client.close());
    Ok(())
}

fn daemon_restarted(libvirt: &Libvirt) -> Result<()> {
    let client = libvirt.connect()?;
    libvirt.ping(&client)?;
    let restarted = libvirt.domain.restart_libvirtd(|| libvirt.ping(&client))?;
    if !restarted {
        println!("left out: libvirtd belongs to the host's service manager and is not restarted");
    }
    libvirt.ping(&client)?;
    libvirt.wait(client.close());
    libvirt.connected()
}

/// The identity of the agent's process: it is the same one after a restore, not one started anew.
fn process(libvirt: &Libvirt) -> Result<String> {
    libvirt.sh("systemctl show -p MainPID,NRestarts infiniservice; cat /proc/sys/kernel/random/boot_id")
}

fn saved(libvirt: &Libvirt) -> Result<()> {
    let before = process(libvirt)?;
    let client = libvirt.connect()?;
    libvirt.ping(&client)?;
    libvirt.domain.virsh(&["managedsave", NAME])?;
    let end = libvirt.wait(async { tokio::time::timeout(TIMEOUT, client.closed()).await })?;
    println!("the host's connection ended: {end}");
    ensure!(!libvirt.domain.agent_socket().exists(), "the socket of a domain that is off");
    libvirt.domain.virsh(&["start", NAME])?;
    let client = libvirt.connect()?;
    libvirt.ping(&client)?;
    libvirt.wait(client.close());
    let after = process(libvirt)?;
    ensure!(before == after, "{before}, then {after}");
    libvirt.connected()
}

fn replugged(libvirt: &Libvirt) -> Result<()> {
    let channel = tempfile::NamedTempFile::new()?;
    let socket = libvirt.domain.agent_socket().display();
    let xml = format!(
        "<channel type='unix'><source mode='bind' path='{socket}'/><target type='virtio' name='{CHANNEL}'/></channel>"
    );
    fs::write(channel.path(), xml)?;
    let file = channel.path().to_string_lossy();
    libvirt.domain.virsh(&["detach-device", NAME, &file, "--live"])?;
    ensure!(libvirt.domain.channel_state(CHANNEL)?.is_none(), "the channel is still there");
    libvirt.domain.virsh(&["attach-device", NAME, &file, "--live"])?;
    libvirt.connected()?;
    let client = libvirt.connect()?;
    libvirt.ping(&client)?;
    libvirt.wait(client.close());
    Ok(())
}

/// Suspend to memory (S3), asked for by qemu-ga.
fn slept(libvirt: &Libvirt) -> Result<()> {
    libvirt.domain.virsh(&["dompmsuspend", NAME, "mem"])?;
    let start = std::time::Instant::now();
    while libvirt.domain.virsh(&["domstate", NAME])? != "pmsuspended" {
        ensure!(start.elapsed() < TIMEOUT, "the guest does not sleep");
    }
    libvirt.domain.virsh(&["dompmwakeup", NAME])?;
    let client = libvirt.connect()?;
    libvirt.ping(&client)?;
    libvirt.wait(client.close());
    Ok(())
}

fn rebooted(libvirt: &Libvirt) -> Result<()> {
    let before = process(libvirt)?;
    libvirt.domain.virsh(&["reboot", NAME])?;
    libvirt.domain.await_channel(CHANNEL, "disconnected", TIMEOUT)?;
    libvirt.connected()?;
    let client = libvirt.connect()?;
    libvirt.ping(&client)?;
    libvirt.wait(client.close());
    let after = process(libvirt)?;
    ensure!(before != after, "it was not started anew: {after}");
    println!("{}", libvirt.sh("journalctl -b -u infiniservice -o cat --no-pager")?);
    Ok(())
}
