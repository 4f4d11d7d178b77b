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
use infiniservice_protocol::sealed::{HostEnd, KeyPair, PublicKey};
use infiniservice_protocol::{Action, ErrorCode};
use std::collections::BTreeMap;

pub const SCENARIOS: &[Scenario] =
    &[("sealed::two_copies_of_a_sealed_machine_have_identities_of_their_own", copies)];

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const CONTROLLERS: &str = "/etc/infiniservice/controller-keys";

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
        "umask 077; echo 'ops {}' > {CONTROLLERS}; \
         printf 'shared_secret = \"{SECRET}\"\ncontroller_keys = \"{CONTROLLERS}\"\n' >> /etc/infiniservice/config.toml; \
         systemctl restart infiniservice",
        controller().public()
    ))?;
    equal("its key", guest.sh("stat -c '%a %U' /var/lib/infiniservice/sealed.key")?.as_str(), "600 root")?;
    let own = public_key(&guest, guest.wait(Client::connect_signed(channel(&guest), SECRET))?)?;
    let before = guest.sh(IDENTITY)?;
    unsealed(&guest)?;
    refused_while_off(&guest, &own)?;
    guest.sh("echo 'allow_seal = true' >> /etc/infiniservice/config.toml; systemctl reload infiniservice")?;
    sealed(&guest, &own)?;
    let System::Namespace(system) = guest.into_machine() else { anyhow::bail!("it runs in namespaces") };
    let template = system.into_template()?;
    let identities: Vec<(String, PublicKey)> = (0..2)
        .map(|_| copy(&Guest::of(System::Namespace(template.boot()?.into()))?))
        .collect::<Result<_>>()?;
    let [first, second] = identities.as_slice() else { anyhow::bail!("two copies were made") };
    let template = (before, own);
    for ((one, own), (other, others)) in [(&template, first), (&template, second), (first, second)] {
        ensure!(own != others, "both have the key {own}");
        for (one, other) in one.lines().zip(other.lines()).take(2) {
            ensure!(one != other, "both have {one}");
        }
    }
    Ok(())
}

fn channel(guest: &Guest) -> Endpoint {
    Endpoint::Channel(guest.machine.agent_socket())
}

fn controller() -> KeyPair {
    KeyPair::from_bytes([7; 32])
}

/// The key that the machine shows; the connection ends.
fn public_key(guest: &Guest, client: Client) -> Result<PublicKey> {
    let hello = guest.wait(client.hello(TIMEOUT))?;
    guest.disconnect(client);
    let sealed = hello.features.sealed.context("it opens sealed lines")?;
    PublicKey::parse(&sealed.public_key).map_err(anyhow::Error::msg)
}

fn host(guest: &Guest, own: &PublicKey) -> Result<Client> {
    let end = HostEnd::new("ops", controller(), own.clone());
    Ok(guest.wait(Client::connect_sealed(channel(guest), end))?)
}

/// Merely signed, nothing changes.
fn unsealed(guest: &Guest) -> Result<()> {
    let client = guest.wait(Client::connect_signed(channel(guest), SECRET))?;
    let response = guest.request(&client, &seal())?;
    guest.disconnect(client);
    equal("code", response.error_code, Some(ErrorCode::SignatureInvalid))
}

fn seal() -> Action {
    Action::PrepareGoldenImage {
        cleanup_level: CleanupLevel::Standard,
        sanitize_user_data: true,
        shutdown_after: true,
    }
}

fn refused_while_off(guest: &Guest, own: &PublicKey) -> Result<()> {
    let client = host(guest, own)?;
    let response = guest.request(&client, &seal())?;
    guest.disconnect(client);
    equal("code", response.error_code, Some(ErrorCode::ActionBlocked))?;
    ensure!(response.error.as_deref().is_some_and(|why| why.contains("`allow_seal`")), "{response:?}");
    Ok(())
}

/// Each step holds, and then no command is taken any more.
fn sealed(guest: &Guest, own: &PublicKey) -> Result<()> {
    let client = host(guest, own)?;
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
fn copy(guest: &Guest) -> Result<(String, PublicKey)> {
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
    let own = public_key(guest, guest.connect()?)?;
    Ok((guest.sh(IDENTITY)?, own))
}
