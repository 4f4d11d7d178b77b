//! A machine of its own that is sealed as a template, and two copies of it that are not taken for each other.

use crate::support::equal;
use anyhow::{Context, Result, ensure};
use infinictl::client::{Client, Endpoint};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_lab::System;
use infiniservice_protocol::action::CleanupLevel;
use infiniservice_protocol::data::SealData;
use infiniservice_protocol::{Action, ErrorCode};
use std::collections::BTreeMap;

pub const SCENARIOS: &[Scenario] =
    &[("sealed::two_copies_of_a_sealed_machine_have_identities_of_their_own", copies)];

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A machine as it is before it becomes a template. Where the image has no ssh-keygen, a stand-in of the same name makes keys.
const SET_UP: &str = r#"
mkdir -p /etc/ssh /var/lib/dhcp /var/lib/systemd
if [ ! -x /usr/bin/ssh-keygen ]; then
    cat > /usr/bin/ssh-keygen <<'END'
#!/bin/sh
[ "$1" = -A ] || exit 1
for kind in ed25519 rsa; do
    [ -e /etc/ssh/ssh_host_${kind}_key ] || head -c 32 /dev/urandom | od -An -tx1 > /etc/ssh/ssh_host_${kind}_key
    cp /etc/ssh/ssh_host_${kind}_key /etc/ssh/ssh_host_${kind}_key.pub
done
END
    chmod 755 /usr/bin/ssh-keygen
fi
ssh-keygen -A
echo 'lease { fixed-address 10.0.2.15; }' > /var/lib/dhcp/dhclient.eth0.leases
head -c 512 /dev/urandom > /var/lib/systemd/random-seed
useradd -m -u 1000 ada
echo hers > /home/ada/file
ln -s /etc/passwd /home/ada/link
mkdir -p /root/kept
"#;

/// What tells one machine from another.
const IDENTITY: &str = "cat /etc/machine-id; cat /etc/ssh/ssh_host_ed25519_key.pub; \
    cksum < /var/lib/systemd/random-seed 2>/dev/null || echo none";

fn copies(_: &Guest) -> Result<()> {
    let guest = Guest::apart()?;
    guest.sh(SET_UP)?;
    guest.sh(&format!(
        "umask 077; echo 'shared_secret = \"{SECRET}\"' >> /etc/infiniservice/config.toml; systemctl restart infiniservice"
    ))?;
    let before = guest.sh(IDENTITY)?;
    refused_while_off(&guest)?;
    guest.sh("echo 'allow_seal = true' >> /etc/infiniservice/config.toml; systemctl reload infiniservice")?;
    sealed(&guest)?;
    let System::Namespace(system) = guest.into_machine() else { anyhow::bail!("it runs in namespaces") };
    let template = system.into_template()?;
    let identities: Vec<String> = (0..2)
        .map(|_| copy(&Guest::of(System::Namespace(template.boot()?.into()))?))
        .collect::<Result<_>>()?;
    for (one, other) in
        [(&before, &identities[0]), (&before, &identities[1]), (&identities[0], &identities[1])]
    {
        for (one, other) in one.lines().zip(other.lines()).take(2) {
            ensure!(one != other, "both have {one}");
        }
    }
    Ok(())
}

fn host(guest: &Guest) -> Result<Client> {
    let endpoint = Endpoint::Channel(guest.machine.agent_socket());
    Ok(guest.wait(Client::connect_signed(endpoint, SECRET))?)
}

fn seal() -> Action {
    Action::PrepareGoldenImage {
        cleanup_level: CleanupLevel::Standard,
        sanitize_user_data: true,
        shutdown_after: true,
    }
}

fn refused_while_off(guest: &Guest) -> Result<()> {
    let client = host(guest)?;
    let response = guest.request(&client, &seal())?;
    guest.disconnect(client);
    equal("code", response.error_code, Some(ErrorCode::ActionBlocked))?;
    ensure!(response.error.as_deref().is_some_and(|why| why.contains("`allow_seal`")), "{response:?}");
    Ok(())
}

/// Each step holds, and then no command is taken any more.
fn sealed(guest: &Guest) -> Result<()> {
    let client = host(guest)?;
    let response = guest.succeed(&client, &seal())?;
    let data: SealData = serde_json::from_value(response.data).context("data")?;
    let steps: BTreeMap<_, _> = data.steps.iter().map(|step| (step.name.as_str(), step.ok)).collect();
    for name in [
        "agent_scripts",
        "agent_identity",
        "user_accounts",
        "cloud_init",
        "dhcp_leases",
        "random_seed",
        "ssh_host_keys",
        "caches",
        "machine_id",
    ] {
        equal(name, steps.get(name).copied(), Some(true))?;
    }
    equal("power_off_in_secs", data.power_off_in_secs, Some(5))?;
    let list = Action::ServiceList { state: None };
    let response = guest.request(&client, &list)?;
    equal("a command after that", response.error_code, Some(ErrorCode::Busy))?;
    guest.disconnect(client);
    Ok(())
}

/// What is its own, once it was looked whether the template's things are gone.
fn copy(guest: &Guest) -> Result<String> {
    let left = guest.sh(
        // The copy's own agent has kept a copy of its configuration by now, which is searched as well.
        "grep -rl -e SHARED_SECRET -e shared_secret -e VM_ID /etc/infiniservice /etc/systemd/system | xargs -r grep -hv '^ *#' | \
         grep -i -e '^shared_secret' -e '^vm_id' -e 'VM_ID=' -e 'SECRET' || true; \
         ls /var/lib/dhcp /home 2>/dev/null | grep -v -e : -e '^$' || true; getent passwd ada || true",
    )?;
    equal("what is left of the template", left.as_str(), "")?;
    guest.sh("grep -q allow_seal /etc/infiniservice/config.toml && test -d /root/kept && grep -q ^root: /etc/passwd")?;
    let client = guest.connect()?;
    let hello = guest.wait(client.hello(TIMEOUT))?;
    guest.disconnect(client);
    equal("vm_id", hello.vm_id, None)?;
    guest.sh("systemctl is-active infiniservice")?;
    guest.sh(IDENTITY)
}
