//! A second virtio port, plugged in while the agent runs, read, not read, and pulled out.

use anyhow::{Result, ensure};
use infinictl::client::{Bulk, Client, Endpoint, Options};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::Action;
use infiniservice_protocol::guest::ChannelRole;
use serde_json::json;
use std::os::unix::net::UnixStream;

pub const SCENARIOS: &[Scenario] = &[(
    "bulk::a_second_port_takes_what_is_large_and_the_first_one_where_it_is_gone_or_not_read",
    second_port,
)];

const NAME: &str = "org.infinibay.agent.bulk";
const PACKAGES: Action = Action::PackageList { limit: None, filter: None };
/// The same as a line. Of a few hundred packages: more than a large answer's least.
const LARGE: &str =
    r#"{"type":"SafeCommand","id":"ID","command_type":{"action":"PackageList"},"timeout":120}"#;

fn second_port(guest: &Guest) -> Result<()> {
    let bulk = Bulk { required: true, ..Bulk::beside(&guest.machine.agent_socket()) };
    plug(guest, &bulk)?;
    let first = guest.connect()?;
    announced(guest, &first, true)?;
    guest.disconnect(first);

    let both = connect(guest, &bulk)?;
    guest.until("a large answer over the bulk port", |guest| {
        guest.succeed(&both, &PACKAGES)?;
        Ok(both.stats().bulk_lines > 0)
    })?;
    unplug(guest)?;
    announced(guest, &both, false)?;
    let before = both.stats().bulk_lines;
    guest.succeed(&both, &PACKAGES)?;
    ensure!(both.stats().bulk_lines == before && both.stats().malformed == 0, "{:?}", both.stats());
    guest.disconnect(both);

    plug(guest, &bulk)?;
    let first = guest.connect()?;
    announced(guest, &first, true)?;
    let _unread = UnixStream::connect(&bulk.path)?;
    let mut number = 0;
    let begun = guest.sh("date +%s")?;
    while !given_up(guest, &begun)? {
        number += 1;
        let line = LARGE.replace("ID", &format!("unread-{number}")) + "\n";
        guest.wait(first.send_raw(line))?;
        guest.wait(first.ping(TIMEOUT))?;
        ensure!(number < 2000, "the bulk port is never given up");
    }
    guest.succeed(&first, &PACKAGES)?;
    guest.disconnect(first);
    unplug(guest)
}

/// With the socket of the same name again and again, as a host's is.
fn plug(guest: &Guest, bulk: &Bulk) -> Result<()> {
    let address = json!({"type": "unix", "data": {"path": bulk.path}});
    let socket = json!({"addr": address, "server": true, "wait": false});
    guest
        .machine
        .qmp("chardev-add", &json!({"id": "bulkchar", "backend": {"type": "socket", "data": socket}}))?;
    let port = json!({
        "driver": "virtserialport", "id": "bulk0", "bus": "serial0.0", "chardev": "bulkchar", "name": NAME,
    });
    guest.machine.qmp("device_add", &port).map(drop)
}

fn unplug(guest: &Guest) -> Result<()> {
    guest.machine.qmp("device_del", &json!({"id": "bulk0"}))?;
    guest.until("QEMU lets the character device go", |guest| {
        Ok(guest.machine.qmp("chardev-remove", &json!({"id": "bulkchar"})).is_ok())
    })
}

fn connect(guest: &Guest, bulk: &Bulk) -> Result<Client> {
    let options = Options { bulk: Some(bulk.clone()), ..Options::default() };
    let endpoint = Endpoint::Channel(guest.machine.agent_socket());
    Ok(guest.wait(Client::connect_as(endpoint, options))?)
}

fn announced(guest: &Guest, client: &Client, is_there: bool) -> Result<()> {
    guest.until("`hello` that tells of the port", |guest| {
        let hello = guest.wait(client.hello(TIMEOUT))?;
        Ok(hello.channels.iter().any(|channel| channel.role == ChannelRole::Bulk) == is_there)
    })
}

fn given_up(guest: &Guest, since: &str) -> Result<bool> {
    let log = guest.sh(&format!("journalctl -b -u infiniservice -o cat --no-pager --since=@{since}"))?;
    Ok(log.contains("has taken no byte from the bulk port"))
}
