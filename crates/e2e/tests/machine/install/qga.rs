//! `infiniservice-qga`: in a machine of its own it takes the place of `qemu-guest-agent`, and gives back what was before.

use super::{PURGE, of_the_release, state};
use crate::support::equal;
use anyhow::{Context, Result, ensure};
use infinictl::client::Endpoint;
use infinictl::qga::{self, Request};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use serde_json::Value;
use std::path::PathBuf;

pub const SCENARIOS: &[Scenario] = &[
    ("install::qga::the_deb_takes_the_place_of_qemu_guest_agent_and_gives_back_what_was_before", deb),
    ("install::qga::the_rpm_does_so_too_in_one_transaction", rpm),
];

/// What snippets for cloud-init install, enable and start.
const NAME: &str = "qemu-guest-agent";
const SERVED: &str = "is served as a QEMU guest agent's port";
const LEFT: &str = "the QEMU guest agent's port is not served: /usr/sbin/qemu-ga is installed";

/// A machine with that port, and nothing of ours installed.
fn machine() -> Result<(Guest, PathBuf)> {
    let mut guest = Guest::apart()?;
    guest.sh(PURGE)?;
    let socket = guest.machine.plug_guest_agent_port()?;
    Ok((guest, socket))
}

fn deb(_: &Guest) -> Result<()> {
    let (guest, socket) = machine()?;
    let agent = of_the_release(&guest, "infiniservice_*.deb")?;
    let package = of_the_release(&guest, "infiniservice-qga_*.deb")?;
    guest.sh(&format!("cp -p /usr/sbin/qemu-ga /root/; dpkg -i {agent}"))?;
    left_alone(&guest)?;
    guest.sh(&format!("dpkg -i {package}"))?;
    takes_the_place(&guest, &socket)?;
    let gone = guest.sh(&format!(
        "dpkg-query -W -f '${{db:Status-Status}}' {NAME}; ls /usr/sbin/qemu-ga 2>/dev/null || true"
    ))?;
    equal("the other package", gone.as_str(), "config-files")?;
    // What is left of the other package goes without the name that is ours now.
    guest.sh(&format!("dpkg --purge {NAME}"))?;
    named(&guest, "infiniservice.service")?;
    as_snippets_do(&guest)?;
    let pid = guest.agent_pid()?;
    guest.sh(&format!("dpkg -i {package}"))?;
    equal("installed again, nothing starts anew", guest.agent_pid()?, pid)?;
    guest.sh("dpkg --purge infiniservice-qga; mv /root/qemu-ga /usr/sbin/")?;
    ensure!(guest.agent_pid()? != pid, "the agent still has the variable");
    given_back(&guest)
}

/// A package of that name as a distribution of rpm's has it: the program, and its unit.
const FAKE: &str = r"set -e; mkdir -p /root/fake; cd /root/fake; cat > spec <<'END'
Name: qemu-guest-agent
Version: 9
Release: 1
License: MIT
BuildArch: noarch
Summary: stands for the real one
%description
A second line.
%install
mkdir -p %{buildroot}/usr/lib/systemd/system %{buildroot}/usr/sbin
printf '[Service]\nExecStart=/bin/sleep infinity\n' > %{buildroot}/usr/lib/systemd/system/qemu-guest-agent.service
printf '#!/bin/sh\n' > %{buildroot}/usr/sbin/qemu-ga
chmod 755 %{buildroot}/usr/sbin/qemu-ga
%files
/usr/lib/systemd/system/qemu-guest-agent.service
/usr/sbin/qemu-ga
END
rpmbuild -bb --quiet --define '_topdir /root/fake' --define '_rpmdir /root/fake' --define '_rpmfilename fake.rpm' spec
rpm --force-debian -i fake.rpm
systemctl daemon-reload";

fn rpm(_: &Guest) -> Result<()> {
    let (guest, socket) = machine()?;
    let agent = of_the_release(&guest, "infiniservice-[0-9]*.rpm")?;
    let package = of_the_release(&guest, "infiniservice-qga-*.rpm")?;
    guest.sh(&format!("dpkg --purge {NAME}"))?;
    guest.sh(FAKE)?;
    guest.sh(&format!("rpm --force-debian -i {agent}"))?;
    left_alone(&guest)?;
    let refused = guest.machine.shell(&format!("rpm --force-debian -i {package}"))?;
    ensure!(!refused.success() && refused.stderr.contains("conflicts with"), "{refused:?}");
    named(&guest, "qemu-guest-agent.service")?;
    guest.sh(&format!("dnf -q -y --disablerepo='*' swap {NAME} {package}"))?;
    takes_the_place(&guest, &socket)?;
    equal("verified", guest.sh("rpm -V infiniservice-qga || true")?.as_str(), "")?;
    as_snippets_do(&guest)?;
    let pid = guest.agent_pid()?;
    guest.sh(&format!("rpm --force-debian -U --replacepkgs {package}"))?;
    equal("installed again, nothing starts anew", guest.agent_pid()?, pid)?;
    named(&guest, "infiniservice.service")?;
    guest.sh("rpm --force-debian -e infiniservice-qga; rpm --force-debian -i /root/fake/fake.rpm; systemctl restart infiniservice")?;
    guest.sh(&format!("rpm --force-debian -e {NAME}; printf '#!/bin/sh\\n' > /usr/sbin/qemu-ga"))?;
    given_back(&guest)
}

/// The unit that has the other name, if any.
fn named(guest: &Guest, unit: &str) -> Result<()> {
    equal("its unit", guest.sh(&format!("systemctl show -p Id --value {NAME}"))?.as_str(), unit)
}

/// What the agent that runs now said of the port.
fn said(guest: &Guest) -> Result<String> {
    let pid = guest.agent_pid()?;
    guest.sh(&format!(
        "journalctl -b -o cat --no-pager _PID={pid} | grep -i \"QEMU guest agent's port\" || true"
    ))
}

/// While the real one is installed.
fn left_alone(guest: &Guest) -> Result<()> {
    named(guest, "qemu-guest-agent.service")?;
    guest.until("the agent leaves the port alone", |guest| Ok(said(guest)?.contains(LEFT)))
}

fn takes_the_place(guest: &Guest, socket: &std::path::Path) -> Result<()> {
    named(guest, "infiniservice.service")?;
    let told = guest.sh(&format!("systemctl status --no-pager {NAME}"))?;
    ensure!(told.starts_with("● infiniservice.service - InfiniService guest agent"), "{told}");
    ensure!(told.contains("infiniservice.service.d") && told.contains("50-qga.conf"), "{told}");
    guest.until("the port is served", |guest| Ok(said(guest)?.contains(SERVED)))?;
    let answer = guest.wait(async {
        let mut host = qga::Guest::connect(Endpoint::Channel(socket.to_owned()), TIMEOUT).await?;
        host.call(&Request::new("guest-info", Value::Null), TIMEOUT).await
    })?;
    let info: Value = answer.read().map_err(anyhow::Error::msg)?;
    let commands = info["supported_commands"].as_array().context("a list of commands")?;
    ensure!(commands.iter().any(|one| one["name"] == "guest-shutdown" && one["enabled"] == true), "{info}");
    Ok(())
}

/// `systemctl enable --now` by the other name is that of the agent.
fn as_snippets_do(guest: &Guest) -> Result<()> {
    let enabled = || guest.sh("systemctl is-enabled infiniservice || true");
    guest.sh(&format!("systemctl disable --now {NAME}"))?;
    equal("stopped by that name", (state(guest)?.as_str(), enabled()?.as_str()), ("inactive", "disabled"))?;
    guest.sh(&format!("systemctl enable --now {NAME}"))?;
    equal("started by that name", (state(guest)?.as_str(), enabled()?.as_str()), ("active", "enabled"))
}

/// Nothing of the package is left, and `qga = auto` holds again: a program of that name is reason enough to leave the port.
fn given_back(guest: &Guest) -> Result<()> {
    let left = guest.sh(&format!(
        "find / -xdev \\( -name '50-qga.conf' -o -name '{NAME}.service' -o -name 'infiniservice.service.d' -o -path '*/doc/infiniservice-qga*' \\) \
         -not -path '/root/*' -not -path '/proc/*' -not -path '/mnt/*'; systemctl show -p LoadState --value {NAME}; \
         systemctl show -p Environment --value infiniservice; tr '\\0' '\\n' < /proc/{}/environ | grep INFINISERVICE_QGA || true",
        guest.agent_pid()?
    ))?;
    equal("left", left.as_str(), "not-found")?;
    equal("the agent", state(guest)?.as_str(), "active")?;
    guest.sh("systemctl restart infiniservice")?;
    guest.until("the agent leaves the port alone", |guest| Ok(said(guest)?.contains(LEFT)))
}
