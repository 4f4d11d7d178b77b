//! `infinictl events`: what happened, once or for as long as somebody looks.

use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::cli::output::Output;
use crate::hub::{Api, HubError};
use crate::text::sanitize;
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a hub may be away before it is given up.
const HUB_BACK_WITHIN: Duration = Duration::from_secs(60);
/// From one try to reach it to the next.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// Which events.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    /// Also show new events, until Ctrl-C, even while the hub restarts
    #[arg(long)]
    follow: bool,
    /// Show only events after the one with this number [default: the newest 1,000]
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
}

/// Runs it.
pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<(), CliError> {
    let (out, api) = (Output::new(global.json, global.no_color), global.api()?);
    let last = match args.after {
        None => newest(&api, out).await?,
        Some(after) => all_after(&api, out, after).await?,
    };
    if !args.follow {
        return Ok(());
    }
    tokio::select! {
        followed = follow(&api, out, last) => followed,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// Shows the newest; the id of the last one.
async fn newest(api: &Api, out: Output) -> Result<String, CliError> {
    let document = api.get("/v1/events").await?;
    let events = events(&document);
    events.iter().try_for_each(|event| show(event, out))?;
    let older = events.first().and_then(|event| event["seq"].as_u64()).map_or(0, |seq| seq.saturating_sub(1));
    if older > 0 {
        eprintln!(
            "infinictl: {older} older events are not shown; --after 0 shows those that the hub still has"
        );
    }
    Ok(id(&document, document["last_seq"].as_u64()))
}

/// Shows all that the hub has after a number; the id of the last one.
async fn all_after(api: &Api, out: Output, mut after: u64) -> Result<String, CliError> {
    loop {
        let document = api.get(&format!("/v1/events?after={after}")).await?;
        let forgotten = document["forgotten"].as_u64().unwrap_or(0);
        if forgotten > 0 {
            eprintln!("infinictl: {forgotten} older events are forgotten");
        }
        let events = events(&document);
        events.iter().try_for_each(|event| show(event, out))?;
        match events.last().and_then(|event| event["seq"].as_u64()) {
            Some(seq) if document["last_seq"].as_u64().is_some_and(|last| seq < last) => after = seq,
            Some(seq) => return Ok(id(&document, Some(seq))),
            None => return Ok(id(&document, Some(after))),
        }
    }
}

fn events(document: &Value) -> Vec<Value> {
    document["events"].as_array().cloned().unwrap_or_default()
}

/// An event's id, which also says which run of the hub counted it.
fn id(document: &Value, seq: Option<u64>) -> String {
    let seq = seq.unwrap_or(0);
    document["instance"].as_str().map_or_else(|| seq.to_string(), |instance| format!("{instance}-{seq}"))
}

/// Shows what happens. A hub that comes back says by the id whether something was missed.
async fn follow(api: &Api, out: Output, mut last: String) -> Result<(), CliError> {
    let mut heard = Instant::now();
    loop {
        let mut shown = Ok(());
        let address = format!("/v1/events?after={last}");
        let followed = api.follow(&address, |id, event| {
            heard = Instant::now();
            if let Some(id) = id {
                id.clone_into(&mut last);
            }
            shown = show(event, out);
            shown.is_ok()
        });
        let ended = followed.await;
        shown?;
        match ended {
            Ok(()) => return Ok(()),
            Err(error @ HubError::Refused { .. }) => return Err(error.into()),
            Err(error) if heard.elapsed() > HUB_BACK_WITHIN => return Err(error.into()),
            Err(_away) => sleep(TRY_EVERY).await,
        }
    }
}

fn show(event: &Value, out: Output) -> Result<(), CliError> {
    if out.json {
        return out.document(&event.to_string());
    }
    if event["kind"] == "gap" {
        eprintln!("infinictl: {}", sanitize::brief(event["text"].as_str().unwrap_or("events are missing")));
        return Ok(());
    }
    out.text(&line(event))
}

fn line(event: &Value) -> String {
    let word = |name: &str| sanitize::brief(event[name].as_str().unwrap_or("-"));
    format!("{}  {}  {}  {}", word("time"), word("vm"), word("kind"), word("text"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};
    use serde_json::json;

    #[test]
    fn an_event_is_a_line_and_hostile_words_stay_in_it() {
        let event = json!({"seq": 3, "time": "2026-11-23T06:30:00.000Z", "vm": "web", "kind": "lost", "text": "gone"});
        assert_eq!(line(&event), "2026-11-23T06:30:00.000Z  web  lost  gone");
        let evil = line(&json!({"time": EVIL, "vm": EVIL, "kind": EVIL, "text": EVIL}));
        assert_harmless(&evil);
        assert_eq!(evil.lines().count(), 1);
    }
}
