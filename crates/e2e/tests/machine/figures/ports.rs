//! Sockets beside `ss`.

use crate::support::{around, equal, metrics, python, with_host};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::metrics::Port;
use std::collections::BTreeSet;

pub const SCENARIOS: &[Scenario] = &[
    ("figures::ports::sockets_and_their_owners_are_those_of_ss", sockets),
    ("figures::ports::of_many_sockets_the_listening_ones_are_told_and_the_rest_counted", many),
];

/// One connection with both ends in one process, listeners of both families, UDP with and without a peer.
const SOCKETS: &str = r#"
def listen(family, kind, address):
    s = socket.socket(family, kind); s.bind(address)
    if kind == socket.SOCK_STREAM: s.listen(7)
    return s
web = listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 7001))
six = listen(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 7002))
any = listen(socket.AF_INET6, socket.SOCK_STREAM, ("::", 7003))
udp = listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 7004))
peered = listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 7005)); peered.connect(("127.0.0.1", 7004))
ends = []
for n in range(3):
    out = socket.create_connection(("127.0.0.1", 7001)); ends.append((out, web.accept()[0]))
half = socket.create_connection(("::1", 7002)); gone = six.accept()[0]; gone.close()
"#;

/// Protocol, state, address, port, pid of the owner: what both tell.
type Row = (String, String, String, u16, Option<u32>);

fn own_row(port: &Port) -> Row {
    (port.protocol.clone(), port.state.clone(), port.address.clone(), port.port, port.pid)
}

fn told_rows(text: &str) -> Result<BTreeSet<Row>> {
    text.lines().map(|line| told_row(line).with_context(|| format!("ss: {line}"))).collect()
}

/// `tcp LISTEN 0 7 127.0.0.1:7001 0.0.0.0:* users:(("python3",pid=412,fd=3))`
fn told_row(line: &str) -> Option<Row> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let state = match *words.get(1)? {
        "ESTAB" => "ESTABLISHED".to_owned(),
        "FIN-WAIT-1" => "FIN_WAIT1".to_owned(),
        "FIN-WAIT-2" => "FIN_WAIT2".to_owned(),
        other => other.replace('-', "_"),
    };
    let (address, port) = words.get(4)?.rsplit_once(':')?;
    let address = match address.split('%').next()?.trim_matches(['[', ']']) {
        "*" => "::",
        address => address,
    };
    let pid = line.split("pid=").nth(1).and_then(|rest| rest.split([',', ')']).next()?.parse().ok());
    Some(((*words.first()?).into(), state, address.into(), port.parse().ok()?, pid))
}

fn sockets(guest: &Guest) -> Result<()> {
    let (pid, _undo) = python(guest, "lab-sockets", "", SOCKETS)?;
    let (before, own, after) = with_host(guest, |client| around(guest, client, "ss -Htuanp"))?;
    let (before, after, own) = (told_rows(&before)?, told_rows(&after)?, own.data.ports);
    let rows: BTreeSet<Row> = own.iter().map(own_row).collect();
    let missing: Vec<_> = before.intersection(&after).filter(|row| !rows.contains(*row)).collect();
    ensure!(missing.is_empty(), "not told: {missing:?} in {rows:?}");
    let invented: Vec<_> =
        rows.iter().filter(|row| !before.contains(*row) && !after.contains(*row)).collect();
    ensure!(invented.is_empty(), "told, but not by ss: {invented:?}");
    made_up(&own, pid)
}

fn made_up(own: &[Port], pid: u32) -> Result<()> {
    let find = |port: u16, state: &str| {
        let found = own.iter().find(|one| one.port == port && one.state == state);
        found.with_context(|| format!("port {port} {state} in {own:?}"))
    };
    for (port, state, address, listening, connections) in [
        (7001, "LISTEN", "127.0.0.1", true, 3),
        (7001, "ESTABLISHED", "127.0.0.1", false, 3),
        (7002, "LISTEN", "::1", true, 0),
        (7003, "LISTEN", "::", true, 0),
        (7004, "UNCONN", "127.0.0.1", true, 0),
        (7005, "ESTABLISHED", "127.0.0.1", false, 1),
    ] {
        let one = find(port, state)?;
        let figures = (one.address.as_str(), one.is_listening, one.connection_count, one.pid);
        equal(&format!("port {port}"), figures, (address, listening, connections, Some(pid)))?;
        ensure!(
            one.process_name.as_deref() == Some("python3")
                && one.exe_path.as_deref().is_some_and(|path| path.starts_with("/usr/bin/python3")),
            "{one:?}"
        );
    }
    let closed = own.iter().any(|one| one.state == "CLOSE_WAIT" && one.pid == Some(pid));
    ensure!(closed, "the connection that was closed at one end is missing");
    Ok(())
}

/// 600 connected pairs beside 20 listeners: 500 sockets are told, all listeners among them.
fn many(guest: &Guest) -> Result<()> {
    let program = r#"
held = [socket.socket() for n in range(20)]
for n, s in enumerate(held): s.bind(("127.0.0.1", 7100 + n)); s.listen(64)
for n in range(300):
    out = socket.create_connection(("127.0.0.1", 7100)); held += [out, held[0].accept()[0]]
"#;
    let (_, undo) = python(guest, "lab-sockets", "-p LimitNOFILE=4096", program)?;
    let count = "ss -Htua | wc -l";
    with_host(guest, |client| {
        let (before, own, after) = around(guest, client, count)?;
        let total = own.collection.truncated.get("ports").copied().context("nothing is said to be cut")?;
        let (before, after): (f64, f64) = (before.parse()?, after.parse()?);
        crate::support::between("sockets", before, f64::from(total), after, 0.0)?;
        equal("sockets told", own.data.ports.len(), 500)?;
        let listening =
            own.data.ports.iter().filter(|one| (7100..7120).contains(&one.port) && one.is_listening);
        equal("listeners told", listening.count(), 20)?;
        let first = own.data.ports.iter().position(|one| !one.is_listening).context("only listeners")?;
        ensure!(own.data.ports[first..].iter().all(|one| !one.is_listening), "a listener comes late");
        let busiest = own.data.ports.iter().find(|one| one.port == 7100 && one.is_listening);
        equal("connections of the listener", busiest.map(|one| one.connection_count), Some(300))
    })?;
    drop(undo);
    let later = with_host(guest, |client| metrics(guest, client))?;
    ensure!(!later.data.ports.iter().any(|one| one.port == 7100 && one.is_listening), "still told");
    Ok(())
}
