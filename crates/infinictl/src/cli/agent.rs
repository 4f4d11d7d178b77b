//! `infinictl hello` and `infinictl ping`: who the agent is, what it can do, and the round trip to it.

use super::error::{CliError, advice};
use super::global::seconds;
use super::output::{Columns, Output, facts, state, text};
use super::session::{Session, wrong_answer};
use super::terminal::while_waiting;
use crate::client::ClientError;
use crate::text::units;
use infiniservice_protocol::HostMessage;
use infiniservice_protocol::guest::{GuestMessage, Hello};
use serde_json::json;
use std::time::Duration;

/// Runs it.
pub(super) async fn hello(session: &Session) -> Result<(), CliError> {
    let message = HostMessage::Hello { id: None, accept: Vec::new() };
    session
        .exchange(&message, |answer, out| match answer {
            GuestMessage::Hello(hello) => Ok(show(hello, out)),
            _ => Err(wrong_answer("Hello")),
        })
        .await
}

fn show(hello: &Hello, out: Output) -> String {
    let limits = &hello.limits;
    let about = facts(&[
        ("Agent", hello.agent_version.clone()),
        ("Protocol", hello.protocol_version.to_string()),
        ("Platform", hello.platform.clone()),
        ("System", hello.os.clone()),
        ("Started", or_dash(&hello.started_at)),
        ("Instance", or_dash(&hello.instance)),
        ("Machine", hello.vm_id.clone().unwrap_or_else(|| "-".into())),
        ("Tags", or_dash(&tags(hello))),
        (
            "Key",
            hello.features.sealed.as_ref().map_or_else(|| "-".into(), |sealed| sealed.public_key.clone()),
        ),
        ("Longest line", units::bytes(limits.max_line_bytes as u64)),
        ("Captured output", units::bytes(limits.max_output_bytes as u64)),
        (
            "Commands",
            format!("{} concurrent, {} waiting", limits.max_concurrent_commands, limits.max_queued_commands),
        ),
    ]);
    format!("{about}\n\n{}", capabilities(hello, out))
}

/// As the agent's configuration has them; a hub may give the machine others.
fn tags(hello: &Hello) -> String {
    hello.tags.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

/// Agents that are older than a field do not tell it.
fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".into() } else { text.to_owned() }
}

fn capabilities(hello: &Hello, out: Output) -> String {
    let mut table = Columns::new(out, &["capability", "enabled", "reason"]);
    for capability in &hello.capabilities {
        table.tall_row([
            text(&capability.name),
            state(if capability.enabled { "yes" } else { "no" }),
            text(capability.reason.as_deref().unwrap_or_default()),
        ]);
    }
    table.finish()
}

/// How often.
#[derive(clap::Args, Debug)]
pub(super) struct PingArgs {
    /// Number of pings
    #[arg(long, short, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Seconds between an answer and the next ping
    #[arg(long, short, default_value = "0.5", value_name = "SECS", value_parser = seconds)]
    interval: Duration,
}

/// Runs it: a line for each ping, and at the end what they come to.
pub(super) async fn ping(session: &Session, args: &PingArgs) -> Result<(), CliError> {
    let mut trips = Vec::new();
    let mut lost = None;
    for n in 1..=args.count {
        match while_waiting("waiting for the guest", session.client.ping(session.wait())).await {
            Ok(trip) => {
                trips.push(trip);
                say(
                    session,
                    &format!("answer {n} from {}: {}", session.client.endpoint(), units::millis(trip)),
                )?;
            }
            Err(ClientError::TimedOut { heard, .. }) => lost = Some(heard),
            Err(error) => return Err(error.into()),
        }
        if n < args.count {
            tokio::time::sleep(args.interval).await;
        }
    }
    summary(session, args.count, trips)?;
    lost.map_or(Ok(()), |heard| {
        Err(CliError::TimedOut(format!("not every ping was answered: {}", advice(&heard))))
    })
}

fn say(session: &Session, text: &str) -> Result<(), CliError> {
    if session.out.json { Ok(()) } else { session.out.text(text) }
}

fn summary(session: &Session, sent: u32, mut trips: Vec<Duration>) -> Result<(), CliError> {
    let in_order: Vec<f64> = trips.iter().copied().map(in_ms).collect();
    trips.sort_unstable();
    let (min, median, max) = (trips.first(), trips.get(trips.len() / 2), trips.last());
    if session.out.json {
        let ms = |trip: Option<&Duration>| trip.copied().map(in_ms);
        let document = json!({
            "type": "ping", "sent": sent, "received": trips.len(), "round_trip_ms": in_order,
            "min_ms": ms(min), "median_ms": ms(median), "max_ms": ms(max),
        });
        return session.out.document(&document.to_string());
    }
    let show = |trip: Option<&Duration>| trip.map_or_else(|| "-".into(), |trip| units::millis(*trip));
    let (min, median, max) = (show(min), show(median), show(max));
    session.out.text(&format!("{sent} sent, {} answered; min {min}, median {median}, max {max}", trips.len()))
}

/// Milliseconds, to the microsecond.
fn in_ms(trip: Duration) -> f64 {
    trip.as_micros() as f64 / 1000.0
}
