//! Hosts that restart, stall, flood and lie.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::cost;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::{ErrorCode, GuestMessage};
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::time::Duration;

pub const SCENARIOS: &[Scenario] = &[
    ("host::restarts_300_times_and_is_served_each_time", restarts),
    ("host::the_first_byte_after_a_connection_ends_a_torn_line", first_byte),
    ("host::an_answer_that_nobody_waited_for_is_delivered_to_the_next_host", answer_waits),
    ("host::stops_reading_for_a_minute_and_loses_no_answer", stalls),
    ("host::sends_a_line_of_10_mb_and_the_next_good_line_works", long_line),
    ("host::sends_garbage_and_the_good_lines_between_are_answered", garbage),
];

const RESTARTS: usize = 300;

/// Hosts come and go without a pause. The kernel merges a disconnect and a connection that follow each other within some
/// milliseconds, so not every one of them is owed unasked metrics; every one is served.
fn restarts(guest: &Guest) -> Result<()> {
    let before = cost::of_agent(guest)?;
    for round in 0..RESTARTS {
        let client = guest.connect()?;
        let context = || format!("round {round}");
        guest.wait(client.ping(TIMEOUT)).with_context(context)?;
        if round % 10 == 0 {
            guest.wait(client.metrics(TIMEOUT)).with_context(context)?;
        }
        guest.disconnect(client);
    }
    let after = cost::of_agent(guest)?;
    ensure!(
        after.descriptors <= before.descriptors + 2,
        "descriptors: {} to {}",
        before.descriptors,
        after.descriptors
    );
    ensure!(
        after.rss_kb <= before.rss_kb + 2048,
        "resident set: {} kB to {} kB",
        before.rss_kb,
        after.rss_kb
    );
    Ok(())
}

fn first_byte(guest: &Guest) -> Result<()> {
    let mut socket = UnixStream::connect(guest.machine.agent_socket())?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    let mut byte = [0];
    socket.read_exact(&mut byte)?;
    ensure!(byte == *b"\n", "the first byte is {byte:?}");
    Ok(())
}

/// The host goes right after it asked; the answer waits for the next one.
fn answer_waits(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    let id = client.new_id();
    guest.sh(SLOW_UNIT)?;
    let command = r#"{"action":"ServiceControl","service":"lab-slow","operation":"restart"}"#;
    let line = format!("{{\"type\":\"SafeCommand\",\"id\":\"{id}\",\"command_type\":{command}}}\n");
    guest.wait(client.send_raw(line))?;
    guest.wait(client.ping(TIMEOUT))?;
    guest.disconnect(client);
    guest.sh("until systemctl is-active -q lab-slow; do :; done")?;
    let client = guest.connect()?;
    let mut events = client.subscribe();
    let answered = guest.message(&mut events, "the answer", |message| match message {
        GuestMessage::Response(response) if response.id == id => Some(response.clone()),
        _ => None,
    })?;
    ensure!(answered.success, "{answered:?}");
    guest.disconnect(client);
    guest.sh("systemctl stop lab-slow").map(drop)
}

/// A unit whose start takes three seconds.
const SLOW_UNIT: &str = "systemctl cat -q lab-slow >/dev/null 2>&1 || { printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\n\
ExecStart=/bin/sleep 3\\n' > /etc/systemd/system/lab-slow.service && systemctl daemon-reload; }";

/// The port's queue fills up, the agent's writes stop, and everything comes once the host reads again.
fn stalls(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    let mut events = client.subscribe();
    guest.wait(client.ping(TIMEOUT))?;
    client.set_reading(false);
    let ids: Vec<String> = (0..40).map(|_| client.new_id()).collect();
    for id in &ids {
        let line = format!(
            "{{\"type\":\"SafeCommand\",\"id\":\"{id}\",\"command_type\":{{\"action\":\"ServiceList\"}}}}\n"
        );
        guest.wait(client.send_raw(line))?;
    }
    let (share, _) = cost::over(guest, 60)?;
    ensure!(share < 0.05, "the agent takes {:.1} % of a core while its host does not read", share * 100.0);
    client.set_reading(true);
    let mut missing: std::collections::HashSet<&str> = ids.iter().map(String::as_str).collect();
    while !missing.is_empty() {
        let id = guest.message(&mut events, "the next answer", |message| match message {
            GuestMessage::Response(response) => Some(response.id.clone()),
            _ => None,
        })?;
        ensure!(missing.remove(id.as_str()), "{id} was answered twice, or never asked");
    }
    guest.disconnect(client);
    Ok(())
}

fn long_line(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    let mut events = client.subscribe();
    let before = cost::of_agent(guest)?;
    let mut line = vec![b'x'; 10 << 20];
    line.push(b'\n');
    guest.wait(client.send_raw(line))?;
    let code = guest.message(&mut events, "the refusal", |message| match message {
        GuestMessage::Error(error) => Some(error.error_code),
        _ => None,
    })?;
    ensure!(code == ErrorCode::MessageTooLarge, "{code}");
    guest.wait(client.ping(TIMEOUT))?;
    let after = cost::of_agent(guest)?;
    ensure!(
        after.rss_kb <= before.rss_kb + 2048,
        "resident set: {} kB to {} kB",
        before.rss_kb,
        after.rss_kb
    );
    guest.disconnect(client);
    Ok(())
}

fn garbage(guest: &Guest) -> Result<()> {
    let client = guest.connect()?;
    let noise: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for chunk in noise.chunks(20_000) {
        guest.wait(client.send_raw(chunk))?;
        guest.wait(client.send_raw("\n"))?;
        guest.wait(client.ping(TIMEOUT))?;
    }
    let deep = format!("{}\n", "[".repeat(500_000));
    guest.wait(client.send_raw(deep))?;
    guest.wait(client.ping(Duration::from_secs(60)))?;
    guest.disconnect(client);
    Ok(())
}
