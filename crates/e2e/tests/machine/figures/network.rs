//! Interfaces beside `ip -j`.

use crate::support::{Undo, around, between, equal, metrics, with_host};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::metrics::Interface;
use serde_json::Value;
use std::collections::BTreeSet;

pub const SCENARIOS: &[Scenario] = &[
    ("figures::network::interfaces_addresses_and_counters_are_those_of_ip", interfaces),
    ("figures::network::the_interface_of_the_default_route_comes_first", default_route),
];

/// Interfaces that the guest's own network manager leaves alone: a pair of linked interfaces, one end down; a bridge; a dummy with addresses of both kinds.
const SET_UP: &str = "mkdir -p /run/systemd/network && \
    printf '[Match]\\nName=lab-*\\n[Link]\\nUnmanaged=yes\\n' > /run/systemd/network/00-lab.network && \
    networkctl reload && modprobe dummy; modprobe veth; modprobe bridge; \
    ip link add lab-dummy type dummy && ip link set lab-dummy address 02:00:00:00:00:17 mtu 1400 up && \
    ip addr add 192.0.2.7/24 dev lab-dummy && ip addr add 2001:db8::7/64 dev lab-dummy nodad && \
    ip link add lab-a type veth peer name lab-b && ip link set lab-a up && ip link add lab-bridge type bridge";
/// A lab's card may have sent nothing so far: at the least it asks now who has the address.
const SEND: &str = "bash -c 'echo > /dev/udp/10.0.2.2/9'";
const PUT_BACK: &str = "ip link del lab-dummy; ip link del lab-a; ip link del lab-bridge; \
    rm /run/systemd/network/00-lab.network; networkctl reload";

fn interfaces(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, PUT_BACK);
    guest.sh(SET_UP)?;
    guest.sh(SEND)?;
    let (before, own, after) = with_host(guest, |client| around(guest, client, "ip -j -s addr"))?;
    let own = own.data.system.network.interfaces;
    let (before, after): (Value, Value) = (serde_json::from_str(&before)?, serde_json::from_str(&after)?);
    let names = |told: &Value| -> Result<BTreeSet<String>> {
        let rows = told.as_array().context("ip gives no list")?;
        Ok(rows.iter().filter_map(|row| row["ifname"].as_str()).map(str::to_owned).collect())
    };
    equal("interfaces", own.iter().map(|one| one.name.clone()).collect(), names(&before)?)?;
    let dummy = own.iter().find(|one| one.name == "lab-dummy").context("lab-dummy")?;
    let addresses = ["192.0.2.7", "2001:db8::7"].map(str::to_owned);
    ensure!(addresses.iter().all(|one| dummy.ip_addresses.contains(one)), "{dummy:?}");
    for one in &own {
        compare(one, row(&before, &one.name)?, row(&after, &one.name)?)?;
    }
    let first = own.first().context("no interface")?;
    ensure!(first.bytes_received > 0 && first.packets_sent > 0 && first.is_up, "{first:?}");
    let down = own.iter().find(|one| one.name == "lab-a").context("lab-a")?;
    ensure!(!down.is_up, "its other end is down: {down:?}");
    Ok(())
}

fn row<'a>(told: &'a Value, name: &str) -> Result<&'a Value> {
    let mut rows = told.as_array().into_iter().flatten();
    rows.find(|row| row["ifname"] == name).with_context(|| format!("ip does not list {name}"))
}

fn compare(own: &Interface, before: &Value, after: &Value) -> Result<()> {
    let no_address = before["link_type"] == "loopback";
    let address = if no_address { "" } else { before["address"].as_str().unwrap_or_default() };
    equal("address of the hardware", own.mac_address.as_str(), address)?;
    equal("mtu", Some(u64::from(own.mtu)), before["mtu"].as_u64())?;
    let flag = |name: &str| before["flags"].as_array().is_some_and(|flags| flags.iter().any(|f| f == name));
    equal(&format!("{} is up", own.name), own.is_up, flag("UP") && flag("LOWER_UP"))?;
    addresses(own, before, after)?;
    let counters = [
        ("/rx/bytes", own.bytes_received),
        ("/tx/bytes", own.bytes_sent),
        ("/rx/packets", own.packets_received),
        ("/tx/packets", own.packets_sent),
        ("/rx/errors", own.errors_in),
        ("/tx/errors", own.errors_out),
        ("/rx/dropped", own.drops_in),
        ("/tx/dropped", own.drops_out),
    ];
    for (path, own) in counters {
        let read = |told: &Value| told["stats64"].pointer(path).and_then(Value::as_f64).context("no counter");
        between(path, read(before)?, own as f64, read(after)?, 0.0)?;
    }
    Ok(())
}

/// The kernel gives link-local addresses by and by: those that were there before and after have to be told.
fn addresses(own: &Interface, before: &Value, after: &Value) -> Result<()> {
    let told = |row: &Value| -> BTreeSet<String> {
        let rows = row["addr_info"].as_array().into_iter().flatten();
        rows.filter_map(|row| row["local"].as_str()).map(str::to_owned).collect()
    };
    let (before, after) = (told(before), told(after));
    let addresses: BTreeSet<String> = own.ip_addresses.iter().cloned().collect();
    ensure!(
        before.intersection(&after).all(|one| addresses.contains(one))
            && addresses.iter().all(|one| before.contains(one) || after.contains(one)),
        "{}: {addresses:?}, while ip says {before:?}, then {after:?}",
        own.name
    );
    Ok(())
}

/// The lab's network leads nowhere, so there is no such route at first; then the made-up interface gets one.
fn default_route(guest: &Guest) -> Result<()> {
    let names = || -> Result<Vec<String>> {
        let own = with_host(guest, |client| metrics(guest, client))?.data.system.network.interfaces;
        Ok(own.into_iter().map(|one| one.name).collect())
    };
    let _undo = Undo::by(guest, PUT_BACK);
    guest.sh(SET_UP)?;
    let without = names()?;
    let place = |name: &str| without.iter().position(|one| one == name).context("not told");
    equal("the last", place("lo")?, without.len() - 1)?;
    ensure!(place("lab-dummy")? > 0 && place("lab-bridge")? > 0 && place("lab-b")? > 0, "{without:?}");
    guest.sh("ip route add default via 192.0.2.1 dev lab-dummy")?;
    let route: Value = serde_json::from_str(&guest.sh("ip -j route show default")?)?;
    equal("the first", names()?.first().map(String::as_str), route[0]["dev"].as_str())
}
