//! Ports that vanish, are taken by others, and agents and machines that start anew.

use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::cost;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::Action;

pub const SCENARIOS: &[Scenario] = &[
    ("device::is_unplugged_and_comes_back_at_once", replug),
    ("device::refuses_a_second_opener_and_diagnose_names_the_first", second_opener),
    ("device::is_taken_by_another_and_had_again_when_that_one_lets_go", taken),
    ("device::an_agent_killed_is_started_again_and_the_host_sees_it_back", killed),
    ("device::a_guest_that_reboots_comes_back", reboot),
    ("device::a_guest_that_the_host_asks_to_reboot_does_so_and_comes_back", reboot_by_the_agent),
];

fn served(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    guest.wait(client.ping(TIMEOUT))?;
    guest.disconnect(client);
    Ok(())
}

fn replug(guest: &Guest) -> Result<()> {
    let pid = guest.agent_pid()?;
    for _ in 0..5 {
        guest.machine.unplug_agent_port()?;
        guest.until("the agent lets the port go", |guest| {
            Ok(guest.sh("systemctl show -p StatusText --value infiniservice")?
                == "Waiting for a virtio-serial port")
        })?;
        guest.machine.replug_agent_port()?;
        served(guest)?;
    }
    let (share, _) = without_port(guest)?;
    ensure!(share < 0.01, "without a port the agent takes {:.2} % of a core", share * 100.0);
    ensure!(guest.agent_pid()? == pid, "the agent was started anew");
    Ok(())
}

fn without_port(guest: &Guest) -> Result<(f64, u64)> {
    guest.machine.unplug_agent_port()?;
    let measured = cost::over(guest, 20);
    guest.machine.replug_agent_port()?;
    served(guest)?;
    measured
}

fn second_opener(guest: &Guest) -> Result<()> {
    let busy = guest.machine.shell("exec 3<>/dev/virtio-ports/org.infinibay.agent")?;
    ensure!(busy.exit_code != Some(0) && busy.stderr.contains("busy"), "{busy:?}");
    let report = guest.sh("/opt/infiniservice/infiniservice --diagnose --json")?;
    let pid = guest.agent_pid()?.to_string();
    ensure!(report.contains(&pid), "{pid} is not named in {report}");
    served(guest)
}

fn taken(guest: &Guest) -> Result<()> {
    guest.sh("systemctl stop infiniservice && systemd-run -q --unit lab-holder sh -c 'exec 3<>/dev/virtio-ports/org.infinibay.agent; sleep 1000'")?;
    guest.until("the other holds the port", |guest| {
        Ok(guest.sh("ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c vport || true")?.parse::<u32>()? >= 2)
    })?;
    guest.sh("systemctl start infiniservice")?;
    let diagnosed = guest.machine.shell("/opt/infiniservice/infiniservice --diagnose")?;
    ensure!(diagnosed.exit_code == Some(1), "{diagnosed:?}");
    ensure!(diagnosed.stdout.contains("sleep") || diagnosed.stdout.contains("sh"), "{}", diagnosed.stdout);
    guest.sh("systemctl stop lab-holder")?;
    served(guest)
}

fn killed(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    guest.wait(client.ping(TIMEOUT))?;
    let pid = guest.agent_pid()?;
    guest.sh(&format!("kill -9 {pid}"))?;
    guest.until("systemd starts the agent again", |guest| Ok(![0, pid].contains(&guest.agent_pid()?)))?;
    guest.until_served(&client)?;
    guest.disconnect(client);
    Ok(())
}

fn reboot(guest: &Guest) -> Result<()> {
    guest.machine.reboot()?;
    served(guest)
}

fn reboot_by_the_agent(guest: &Guest) -> Result<()> {
    let boot = || guest.sh("cat /proc/sys/kernel/random/boot_id");
    let before = boot()?;
    guest.machine.rebooted_by(|| {
        let client = guest.connect()?;
        let answer = guest.succeed(&client, &Action::Reboot {})?;
        println!("  answered in {} ms: {}", answer.execution_time_ms, answer.data);
        guest.disconnect(client);
        Ok(())
    })?;
    ensure!(boot()? != before, "it is the same boot");
    served(guest)
}
