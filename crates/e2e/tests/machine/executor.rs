//! Commands beside each other: ids, bounds, shared reads, and a link that stays alive meanwhile.

use crate::support::{Undo, equal, with_host};
use anyhow::{Result, ensure};
use infinictl::client::{Client, Subscription};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::{ErrorCode, GuestMessage, Response};
use serde_json::json;
use std::collections::BTreeMap;

pub const SCENARIOS: &[Scenario] = &[
    ("executor::an_id_in_flight_is_refused_and_an_answered_one_answered_again", repeated_ids),
    ("executor::commands_beyond_the_queue_are_refused_and_reading_goes_on", queue_full),
    ("executor::equal_reads_in_flight_share_one_execution", shared_reads),
    ("executor::heartbeats_go_on_while_a_long_command_runs", heartbeats),
    ("executor::pings_sent_between_lists_do_not_wait_for_the_lists", pings_amid_lists),
];

/// A unit that takes `seconds` to start and notes each time that it ran.
fn slow_unit(guest: &Guest, seconds: u32) -> Result<Undo<'_>> {
    let undo = Undo::by(
        guest,
        "systemctl stop lab-slow; rm -f /etc/systemd/system/lab-slow.service /run/lab-runs; systemctl daemon-reload",
    );
    let text = format!(
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nTimeoutStartSec=infinity\n\
         ExecStart=/bin/sh -c 'echo run >> /run/lab-runs; sleep {seconds}'\n"
    );
    guest.machine.write_file("/etc/systemd/system/lab-slow.service", text.as_bytes())?;
    guest.sh("rm -f /run/lab-runs; systemctl daemon-reload")?;
    Ok(undo)
}

const RESTART_SLOW: &str = r#"{"action":"ServiceControl","service":"lab-slow","operation":"restart"}"#;
const START_SLOW: &str = r#"{"action":"ServiceControl","service":"lab-slow","operation":"start"}"#;

fn line(id: &str, command: &str) -> String {
    format!("{{\"type\":\"SafeCommand\",\"id\":\"{id}\",\"command_type\":{command}}}\n")
}

fn send(guest: &Guest, client: &Client, lines: &str) -> Result<()> {
    Ok(guest.wait(client.send_raw(lines))?)
}

fn next_response(guest: &Guest, events: &mut Subscription) -> Result<Response> {
    guest.message(events, "the next answer", |message| match message {
        GuestMessage::Response(response) => Some(response.clone()),
        _ => None,
    })
}

/// One answer for each id, however they come.
fn answers(guest: &Guest, events: &mut Subscription, ids: &[String]) -> Result<BTreeMap<String, Response>> {
    let mut answers = BTreeMap::new();
    while answers.len() < ids.len() {
        let response = next_response(guest, events)?;
        ensure!(ids.contains(&response.id), "nobody asked for {response:?}");
        let id = response.id.clone();
        ensure!(answers.insert(id.clone(), response).is_none(), "{id} is answered twice");
    }
    Ok(answers)
}

fn repeated_ids(guest: &Guest) -> Result<()> {
    let _undo = slow_unit(guest, 3)?;
    with_host(guest, |client| {
        let mut events = client.subscribe();
        let id = client.new_id();
        let command = line(&id, RESTART_SLOW);
        send(guest, client, &format!("{command}{command}"))?;
        let refused = next_response(guest, &mut events)?;
        equal("in flight", (&refused.id, refused.error_code), (&id, Some(ErrorCode::DuplicateId)))?;
        let mut first = next_response(guest, &mut events)?;
        ensure!(first.id == id && first.success, "{first:?}");
        send(guest, client, &command)?;
        let mut again = next_response(guest, &mut events)?;
        (first.timestamp, again.timestamp) = (None, None);
        equal("the same answer", &again, &first)?;
        equal("times it ran", guest.sh("cat /run/lab-runs")?.as_str(), "run")
    })
}

/// All starts wait for the one job of the unit, so they end together; six run and 64 wait.
fn queue_full(guest: &Guest) -> Result<()> {
    let _undo = slow_unit(guest, 20)?;
    with_host(guest, |client| {
        let mut events = client.subscribe();
        let ids: Vec<String> = (0..100).map(|_| client.new_id()).collect();
        let lines: Vec<String> = ids.iter().map(|id| line(id, START_SLOW)).collect();
        send(guest, client, &lines.concat())?;
        let read = client.new_id();
        send(guest, client, &line(&read, r#"{"action":"ProcessList","limit":1}"#))?;
        guest.wait(client.ping(TIMEOUT))?;
        let all: Vec<String> = ids.iter().chain([&read]).cloned().collect();
        let mut order = Vec::new();
        let mut answers = BTreeMap::new();
        while answers.len() < all.len() {
            let response = next_response(guest, &mut events)?;
            order.push((response.id.clone(), response.success));
            ensure!(answers.insert(response.id.clone(), response).is_none(), "an id is answered twice");
        }
        let refused = |response: &&Response| response.error_code == Some(ErrorCode::QueueFull);
        let (full, done) =
            (answers.values().filter(refused).count(), answers.values().filter(|r| r.success).count());
        equal("refused and done", (full, done), (30, 71))?;
        equal("the read", answers.get(&read).map(|response| response.success), Some(true))?;
        let first_done = order.iter().find(|(_, success)| *success).map(|(id, _)| id.as_str());
        equal("the read does not wait for the changes", first_done, Some(read.as_str()))?;
        equal("times it ran", guest.sh("cat /run/lab-runs")?.as_str(), "run")
    })
}

/// The bus itself tells how often the agent asked systemd.
fn shared_reads(guest: &Guest) -> Result<()> {
    const CALLS: &str =
        "journalctl -b -u lab-monitor -o cat --no-pager | grep -c 'member=ListUnitsByPatterns' || true";
    let _undo = Undo::by(guest, "systemctl stop lab-monitor");
    guest.sh("systemd-run -q --unit lab-monitor stdbuf -oL dbus-monitor --system \"type='method_call',member='ListUnitsByPatterns'\"")?;
    guest.until("the monitor listens", |guest| {
        Ok(guest.sh("journalctl -b -u lab-monitor -o cat --no-pager | grep -c NameLost || true")? != "0")
    })?;
    with_host(guest, |client| {
        let mut events = client.subscribe();
        guest.wait(client.metrics(TIMEOUT))?;
        let before: u32 = guest.sh(CALLS)?.parse()?;
        ensure!(before >= 1, "the monitor sees nothing");
        let ids: Vec<String> = (0..40).map(|_| client.new_id()).collect();
        let lines: Vec<String> = ids.iter().map(|id| line(id, r#"{"action":"ServiceList"}"#)).collect();
        send(guest, client, &lines.concat())?;
        let answers = answers(guest, &mut events, &ids)?;
        ensure!(answers.values().all(|response| response.success), "{answers:?}");
        let calls = guest.sh(CALLS)?.parse::<u32>()? - before;
        println!("{calls} listings for {} commands", ids.len());
        // They may come in more than one read of the port; the agent's periodic collection may add one.
        ensure!((1..=20).contains(&calls), "{calls} listings for {} equal commands", ids.len());
        Ok(())
    })
}

/// How long the long command takes, in seconds: 65 unless this variable says otherwise. Ten minutes were tried by hand.
const LONG_VARIABLE: &str = "INFINISERVICE_LONG_SECS";

/// A heartbeat for each 30 s comes before the answer of a long command.
fn heartbeats(guest: &Guest) -> Result<()> {
    let seconds: u32 = std::env::var(LONG_VARIABLE).map_or(Ok(65), |text| text.parse())?;
    let _undo = slow_unit(guest, seconds)?;
    with_host(guest, |client| {
        let mut events = client.subscribe();
        let id = client.new_id();
        let start = line(&id, START_SLOW).replace("\"id\"", "\"timeout\":3600,\"id\"");
        send(guest, client, &start)?;
        let mut beats = Vec::new();
        let answer = loop {
            match beat_or_answer(guest, &mut events)? {
                Heard::Beat(number) => beats.push(number),
                Heard::Answer(response) => break response,
            }
        };
        println!("{} heartbeats in a command of {} ms: {beats:?}", beats.len(), answer.execution_time_ms);
        ensure!(answer.id == id && answer.success, "{answer:?}");
        ensure!(beats.is_sorted_by(|a, b| b == &(a + 1)), "heartbeats: {beats:?}");
        ensure!(beats.len() >= seconds as usize / 30, "only {} heartbeats in {seconds} s", beats.len());
        Ok(())
    })
}

enum Heard {
    Beat(u64),
    Answer(Box<Response>),
}

fn beat_or_answer(guest: &Guest, events: &mut Subscription) -> Result<Heard> {
    guest.message(events, "a heartbeat or the answer", |message| match message {
        GuestMessage::KeepAlive(beat) => Some(Heard::Beat(beat.sequence_number)),
        GuestMessage::Response(response) => Some(Heard::Answer(Box::new(response.clone()))),
        _ => None,
    })
}

/// A list and a ping by turns, in one write: the last ping is answered before the last list.
fn pings_amid_lists(guest: &Guest) -> Result<()> {
    const PAIRS: u64 = 60;
    // Where the client's own pings are, so that it takes none for a heartbeat, but none of them.
    const FIRST: u64 = (1 << 52) + (1 << 40);
    with_host(guest, |client| {
        let mut events = client.subscribe();
        // Each filter is another one, so nothing is shared.
        let pair = |n: u64| {
            let list = format!(r#"{{"action":"ProcessList","filter":"no-such-{n}"}}"#);
            let ping = json!({"type": "keep_alive_request", "sequence_number": FIRST + n});
            format!("{}{ping}\n", line(&client.new_id(), &list))
        };
        send(guest, client, &(0..PAIRS).map(pair).collect::<String>())?;
        let (mut pongs, mut answers, mut behind_last_pong) = (0, 0, 0);
        while pongs + answers < 2 * PAIRS {
            match beat_or_answer(guest, &mut events)? {
                Heard::Beat(number) if number < FIRST => {}
                Heard::Beat(number) => {
                    equal("the pongs come in order", number, FIRST + pongs)?;
                    pongs += 1;
                }
                Heard::Answer(response) => {
                    ensure!(response.success, "{response:?}");
                    answers += 1;
                    behind_last_pong += u64::from(pongs == PAIRS);
                }
            }
        }
        println!("{behind_last_pong} of {PAIRS} lists were answered behind the last pong");
        ensure!(behind_last_pong > 0, "a ping waited for every list");
        Ok(())
    })
}
