//! What several scenarios need: a host for a while, a thing to undo, programs made up in the guest.

mod setting;

pub use setting::{configured, in_unit, reload};

use anyhow::{Context, Result, ensure};
use infinictl::client::{Client, Event, Subscription};
use infiniservice_e2e::Guest;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::metrics::{Process, SystemMetrics};
use infiniservice_protocol::{Action, ErrorCode, GuestMessage, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Runs `work` with a host connected, which leaves in order afterwards.
pub fn with_host<T>(guest: &Guest, work: impl FnOnce(&Client) -> Result<T>) -> Result<T> {
    let client = guest.connect()?;
    let done = work(&client);
    guest.disconnect(client);
    done
}

/// A script that is run in the guest when this value goes, whatever became of the scenario.
pub struct Undo<'a> {
    guest: &'a Guest,
    script: String,
}

impl<'a> Undo<'a> {
    pub fn by(guest: &'a Guest, script: impl Into<String>) -> Self {
        Self { guest, script: script.into() }
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.guest.machine.shell(&self.script) {
            println!("the guest was not put back in order: {error:#}");
        }
    }
}

/// Figures collected now.
pub fn metrics(guest: &Guest, client: &Client) -> Result<SystemMetrics> {
    Ok(guest.wait(client.metrics(TIMEOUT))?)
}

/// The data of an action that has to succeed.
pub fn data<T: DeserializeOwned>(guest: &Guest, client: &Client, action: &Action) -> Result<T> {
    let response = guest.succeed(client, action)?;
    serde_json::from_value(response.data).with_context(|| format!("data of {action:?}"))
}

/// Sends an action that has to fail with `code`.
pub fn refused(guest: &Guest, client: &Client, action: &Action, code: ErrorCode) -> Result<Response> {
    let response = guest.request(client, action)?;
    ensure!(!response.success && response.error_code == Some(code), "{action:?} gives {response:?}");
    ensure!(response.error.as_ref().is_some_and(|text| !text.is_empty()), "no sentence in {response:?}");
    Ok(response)
}

/// A command that was sent, and is not answered yet as far as is known.
pub struct Sent {
    id: String,
    events: Subscription,
}

/// Sends a command as this JSON object with an id of its own.
pub fn send(guest: &Guest, client: &Client, mut command: Value) -> Result<Sent> {
    let id = client.new_id();
    command["id"] = id.as_str().into();
    let events = client.subscribe();
    guest.wait(client.send_raw(format!("{command}\n")))?;
    Ok(Sent { id, events })
}

impl Sent {
    /// Waits for its answer.
    pub fn answer(mut self, guest: &Guest) -> Result<Response> {
        let own = |response: &&Response| response.id == self.id;
        guest.message(&mut self.events, "the answer to a command", |message| match message {
            GuestMessage::Response(response) => Some(response).filter(own).cloned(),
            _ => None,
        })
    }
}

/// Sends a command as this JSON object with an id of its own, and waits for its answer.
pub fn answer_to(guest: &Guest, client: &Client, command: Value) -> Result<Response> {
    send(guest, client, command)?.answer(guest)
}

/// All processes, or those with `filter` in their name or command line.
pub fn processes(guest: &Guest, client: &Client, filter: Option<&str>) -> Result<Vec<Process>> {
    let filter = filter.map(str::to_owned);
    let action = Action::ProcessList { limit: None, sort_by: None, filter };
    Ok(data::<infiniservice_protocol::data::ProcessListData>(guest, client, &action)?.processes)
}

/// What every made-up program begins with: `ready()` tells systemd and sleeps for good.
const PROLOGUE: &str = r#"
import os, socket, signal, struct, threading, time
def ready():
    teller = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    teller.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    teller.close()
    while True: time.sleep(1000)
"#;

/// Runs a Python program as the transient service `unit` until it calls `ready()`; it ends with the returned value.
pub fn python<'a>(guest: &'a Guest, unit: &str, options: &str, program: &str) -> Result<(u32, Undo<'a>)> {
    let path = format!("/run/{unit}.py");
    guest.machine.write_file(&path, format!("{PROLOGUE}\n{program}\nready()\n").as_bytes())?;
    let undo = Undo::by(guest, format!("systemctl stop {unit}; systemctl reset-failed {unit}; rm -f {path}"));
    guest.sh(&format!(
        "chmod 644 {path}; systemd-run -q --unit {unit} -p Type=notify {options} /usr/bin/python3 {path}"
    ))?;
    let pid = guest.sh(&format!("systemctl show -p MainPID --value {unit}"))?;
    Ok((pid.parse().with_context(|| format!("MainPID of {unit}: {pid}"))?, undo))
}

/// The same script's output before and after a collection, and the collection.
pub fn around(guest: &Guest, client: &Client, script: &str) -> Result<(String, SystemMetrics, String)> {
    let before = guest.sh(script)?;
    let metrics = metrics(guest, client)?;
    Ok((before, metrics, guest.sh(script)?))
}

/// As [`around`], repeated until nothing changed in between: then every figure has to be equal.
pub fn unchanged(guest: &Guest, client: &Client, script: &str) -> Result<(String, SystemMetrics)> {
    for _ in 0..20 {
        let (before, metrics, after) = around(guest, client, script)?;
        if before == after {
            return Ok((before, metrics));
        }
    }
    anyhow::bail!("the output of {script} never stayed the same around a collection")
}

/// None within a scenario. The connection may look poor where the machine is slow.
const NO_SCHEDULE: &str = "collection_interval_secs = 86400\ndegraded_interval_secs = 86400";

/// What `work` gives between two collections that have none between them, and the second of these: its rates are of
/// just that time. The schedule rests meanwhile: `work` may last longer than its interval.
pub fn meanwhile<T>(
    guest: &Guest,
    client: &Client,
    work: impl Fn() -> Result<T>,
) -> Result<(T, SystemMetrics)> {
    let _scheduled = configured(guest, NO_SCHEDULE)?;
    let mut seen = Vec::new();
    for _ in 0..5 {
        metrics(guest, client)?;
        let mut events = client.subscribe();
        let done = work()?;
        let own = metrics(guest, client)?;
        let collections = collections(&mut events);
        if collections.len() == 1 {
            return Ok((done, own));
        }
        seen.push(collections);
    }
    anyhow::bail!("instead of one collection at the end of each time: {seen:?}")
}

/// Time of each and the id of the request that it answers; it has none where it was scheduled.
fn collections(events: &mut Subscription) -> Vec<String> {
    let of = |event: &Event| match event.message() {
        Some(GuestMessage::SystemMetrics(own)) => Some(format!("{:?} {:?}", own.timestamp, own.request_id)),
        _ => None,
    };
    std::iter::from_fn(|| events.try_next()).filter_map(|event| of(&event)).collect()
}

/// The numbers of a text, in order; words that are none are passed over.
pub fn numbers(text: &str) -> Vec<f64> {
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// Checks that a figure lies between two reads of the system's own tool, give or take `slack`.
pub fn between(what: &str, before: f64, own: f64, after: f64, slack: f64) -> Result<()> {
    let (low, high) = (before.min(after) - slack, before.max(after) + slack);
    ensure!((low..=high).contains(&own), "{what}: {own}, while the system says {before}, then {after}");
    Ok(())
}

/// Checks two equal things.
#[allow(
    clippy::needless_pass_by_value,
    reason = "so that numbers, texts and lists are all given as they are"
)]
pub fn equal<T: PartialEq + std::fmt::Debug>(what: &str, own: T, told: T) -> Result<()> {
    ensure!(own == told, "{what}: {own:?}, while the system says {told:?}");
    Ok(())
}
