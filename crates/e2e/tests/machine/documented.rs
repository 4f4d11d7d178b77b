//! Every documented exchange once more, against the real machine: docs/commands.md says what the agent does.
//!
//! `INFINISERVICE_RECORD=1` writes the answers into the files instead, `INFINISERVICE_RECORD=ServiceList/failed,AnyCommand/blocked` those of
//! these alone; `UPDATE_GENERATED=1` then makes the page anew.

use crate::support::{Undo, reload};
use anyhow::{Context, Result, ensure};
use infinictl::client::{Client, Subscription};
use infiniservice_e2e::Guest;
use infiniservice_e2e::exchange::{self, Exchange};
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_e2e::shape;
use infiniservice_protocol::GuestMessage;
use serde_json::{Value, json};
use std::time::Duration;

pub const SCENARIOS: &[Scenario] = &[
    ("documented::each_request_of_the_page_is_answered_as_the_page_says", each_exchange),
    ("documented::a_held_lock_is_answered_as_the_page_says", held_lock),
];

/// A request that is played in a scenario of its own: apt does not say on every kernel who holds its lock.
const HELD_LOCK: &str = "PackageInstall/locked";
/// Played before it: with nothing in the caches apt takes longer than that one waits.
const BEFORE_IT: &str = "PackageInstall/installed";

const RECORD_VARIABLE: &str = "INFINISERVICE_RECORD";
/// apt takes its time in an emulated machine.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);

/// Services that do well and badly, and a repository of one small package in two versions.
const SET_UP: &str = include_str!("documented-set-up.sh");
const CLEAN_UP: &str = include_str!("documented-clean-up.sh");

fn each_exchange(guest: &Guest) -> Result<()> {
    exchanges(guest, |id| id != HELD_LOCK)
}

fn held_lock(guest: &Guest) -> Result<()> {
    exchanges(guest, |id| [BEFORE_IT, HELD_LOCK].contains(&id))
}

fn exchanges(guest: &Guest, here: impl Fn(&str) -> bool) -> Result<()> {
    let wanted = std::env::var(RECORD_VARIABLE).unwrap_or_default();
    let record = !wanted.is_empty();
    let asked = |id: &str| !record || wanted == "1" || wanted.split(',').any(|one| one == id);
    let picked = |id: &str| here(id) && asked(id);
    let _undo = Undo::by(guest, CLEAN_UP);
    guest.sh(SET_UP)?;
    let client = guest.connect()?;
    let mut wrong = Vec::new();
    for exchange in exchange::all()?.into_iter().filter(|exchange| picked(&exchange.id())) {
        let id = exchange.id();
        println!("  {id}");
        let seen = play(guest, &client, &exchange).with_context(|| id.clone());
        match seen {
            Ok(response) if record => Exchange { response, ..exchange }.save()?,
            Ok(response) => {
                let differences = shape::differences(&exchange.response, &response, &exchange.varies);
                wrong.extend(differences.into_iter().map(|text| format!("{id}: {text}")));
            }
            Err(error) => wrong.push(format!("{error:#}")),
        }
    }
    guest.disconnect(client);
    ensure!(wrong.is_empty(), "the page and the agent differ:\n{}", wrong.join("\n"));
    Ok(())
}

/// A script whose reload is over when it ends: a command must not overtake it, and it settles for a moment.
fn settled(script: &str) -> String {
    script.replace("systemctl reload infiniservice", reload())
}

/// Sends one request, and gives the line that answers it.
fn play(guest: &Guest, client: &Client, exchange: &Exchange) -> Result<Value> {
    // First of all: an `error` that is due once a minute may answer an earlier line than the request.
    let mut events = client.subscribe();
    let _undo = (!exchange.cleanup.is_empty()).then(|| Undo::by(guest, settled(&exchange.cleanup)));
    if !exchange.setup.is_empty() {
        guest.sh(&settled(&exchange.setup))?;
    }
    let mut request = exchange.request.clone();
    for (pointer, script) in &exchange.fresh {
        let told = guest.sh(script)?;
        let place = request.pointer_mut(pointer).context("no such place in the request")?;
        *place = told.parse::<u64>().map_or_else(|_text| json!(told), |number| json!(number));
    }
    guest.wait(client.send_raw(lines(exchange, &request)))?;
    if !exchange.meanwhile.is_empty() {
        guest.wait(client.ping(TIMEOUT))?;
        guest.sh(&exchange.meanwhile)?;
    }
    let wanted = exchange.sent_before + 1 + usize::from(exchange.repeated);
    let id = exchange.id();
    let search = async {
        if exchange.has_id() { answers(&mut events, &id, wanted).await } else { error(&mut events).await }
    };
    let answer = guest.wait(async { tokio::time::timeout(ANSWER_TIMEOUT, search).await });
    answer.context("no answer")?
}

/// The request, after those that go before it.
fn lines(exchange: &Exchange, request: &Value) -> String {
    let other = |n: usize| {
        let mut other = request.clone();
        other["id"] = json!(format!("{}/{n}", exchange.id()));
        Exchange::line(&other) + "\n"
    };
    let before: String = (0..exchange.sent_before).map(other).collect();
    let line = Exchange::line(request) + &" ".repeat(exchange.padding) + "\n";
    before + &line.repeat(1 + usize::from(exchange.repeated))
}

/// The next `error`.
async fn error(events: &mut Subscription) -> Result<Value> {
    loop {
        let event = events.next().await.context("the connection ended")?;
        if matches!(event.message(), Some(GuestMessage::Error(_))) {
            return Ok(serde_json::from_str(&event.raw)?);
        }
    }
}

/// The first answer with this id, once all that were sent with it are answered too.
async fn answers(events: &mut Subscription, id: &str, wanted: usize) -> Result<Value> {
    let (mut answer, mut count) = (None, 0);
    while count < wanted {
        let event = events.next().await.context("the connection ended")?;
        let Some(GuestMessage::Response(response)) = event.message() else { continue };
        count += usize::from(response.id.starts_with(id));
        if response.id == id && answer.is_none() {
            answer = Some(serde_json::from_str(&event.raw)?);
        }
    }
    answer.context("only others were answered")
}
