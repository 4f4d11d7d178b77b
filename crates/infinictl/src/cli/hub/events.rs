//! `infinictl events`: what happened, once or for as long as somebody looks.

use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::cli::output::Output;
use crate::text::sanitize;
use serde_json::Value;

/// Which events.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    /// Go on with what happens from now on
    #[arg(long)]
    follow: bool,
    /// Those after the event of this number
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
}

/// Runs it.
pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<(), CliError> {
    let (out, api) = (Output::new(global.json, global.no_color), global.api()?);
    let document = api.get(&format!("/v1/events?after={}", args.after.unwrap_or(0))).await?;
    let forgotten = document["forgotten"].as_u64().unwrap_or(0);
    if forgotten > 0 {
        eprintln!("infinictl: {forgotten} older events are forgotten");
    }
    let events = document["events"].as_array().cloned().unwrap_or_default();
    events.iter().try_for_each(|event| show(event, out))?;
    if !args.follow {
        return Ok(());
    }
    let last =
        events.last().and_then(|event| event["seq"].as_u64()).or_else(|| document["last_seq"].as_u64());
    let mut shown = Ok(());
    let address = format!("/v1/events?after={}", last.unwrap_or(0));
    let followed = api.follow(&address, |event| {
        shown = show(event, out);
        shown.is_ok()
    });
    tokio::select! {
        followed = followed => followed?,
        _ = tokio::signal::ctrl_c() => {}
    }
    shown
}

fn show(event: &Value, out: Output) -> Result<(), CliError> {
    if out.json {
        return out.document(&event.to_string());
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
