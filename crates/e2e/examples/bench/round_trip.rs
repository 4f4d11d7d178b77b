//! Round trips of the cheapest commands, one of each kind after the other, so that noise hits all alike.

use anyhow::Result;
use std::time::Duration;

use crate::table::{Row, Table, millis};

/// Far from numbers that the agent gives its own heartbeats.
const FIRST_PING: u64 = 1 << 40;

/// One kind of request: the line for a number, and what its answer has in it.
pub type Kind = fn(u64) -> (String, String);

/// Times of one kind.
#[derive(Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Adds one.
    pub fn add(&mut self, taken: Duration) {
        self.0.push(taken);
    }

    /// The value that `share` of all stay below.
    pub fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
        sorted.get(at).copied().unwrap_or_default()
    }
}

/// The host's own ping.
pub fn ping(number: u64) -> (String, String) {
    let number = FIRST_PING + number;
    let request = format!(
        r#"{{"type":"keep_alive_request","sequence_number":{number},"timestamp":"2026-01-01T00:00:00.000Z"}}"#
    );
    (request, format!(r#""sequence_number":{number}"#))
}

/// A safe command that does next to nothing, as no such process can be: the way through the executor and its queue.
pub fn command(number: u64) -> (String, String) {
    let request = format!(
        r#"{{"type":"SafeCommand","id":"bench-{number}-","command_type":{{"action":"ProcessKill","pid":2147483647}}}}"#
    );
    (request, format!(r#""id":"bench-{number}-""#))
}

/// qemu-ga's cheapest command.
pub fn guest_ping(_number: u64) -> (String, String) {
    (r#"{"execute":"guest-ping"}"#.into(), r#""return""#.into())
}

/// What [`run`] exchanges: takes a request and what its answer has in it.
pub type Exchange<'a> = &'a mut dyn FnMut(&str, &str) -> Result<Duration>;

/// Exchanges `rounds` of each kind, interleaved.
pub fn run(rounds: usize, kinds: &mut [(Kind, Exchange<'_>)]) -> Result<Vec<Times>> {
    let mut times: Vec<Times> = kinds.iter().map(|_| Times::default()).collect();
    for number in 0..rounds as u64 {
        for ((kind, exchange), times) in kinds.iter_mut().zip(&mut times) {
            let (request, wanted) = kind(number);
            times.add(exchange(&request, &wanted)?);
        }
    }
    Ok(times)
}

/// Two rows, p50 and p99, of `ours` beside `theirs`.
pub fn rows(what: &str, ours: &Times, theirs: &Times, judged: bool, table: &mut Table) {
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let (ours, theirs) = (ours.quantile(share), theirs.quantile(share));
        let row = Row::new(&format!("{what}, {name}, ms")).texts(&millis(ours), &millis(theirs));
        let row = row.ratio(ours.as_secs_f64() / theirs.as_secs_f64());
        table.row(if judged { row.reached("≤ qemu-ga", ours <= theirs) } else { row });
    }
}
