//! What sealing costs: round trips of a sealed command beside those of the same in the open. The host's own sealing and opening are
//! not in them, so that the difference is the guest's: it opens one line and seals one.

use anyhow::{Context, Result};
use infiniservice_protocol::sealed::{HostEnd, KeyPair};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::programs::Programs;
use crate::round_trip::{self, Times};
use crate::table::{Row, Table, millis};

/// Adds the rows.
pub fn measure(programs: &Programs, rounds: usize, table: &mut Table) -> Result<()> {
    let (own, guest) = (KeyPair::from_bytes([2; 32]), KeyPair::from_bytes([1; 32]));
    let end = HostEnd::new("ops", own.clone(), guest.public().clone());
    let (_sealed_agent, mut sealed) = programs.start_sealed_agent(&own, &guest)?;
    let (_plain_agent, mut plain) = programs.start_agent()?;
    for peer in [&mut sealed, &mut plain] {
        peer.greet(&round_trip::ping(0).0)?;
    }
    let (mut ours, mut theirs) = (Times::default(), Times::default());
    for number in 0..rounds as u64 {
        let (request, wanted) = round_trip::command(number);
        theirs.add(plain.exchange(&request, &wanted)?.0);
        let line = seal(&end, number, &request).context("nothing can be sealed")?;
        let (taken, answer) = sealed.exchange(line.trim_end(), &wanted)?;
        end.open(answer.trim_end()).context("the answer is not sealed")??;
        ours.add(taken);
    }
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let (ours, theirs) = (ours.quantile(share), theirs.quantile(share));
        let row = Row::new(&format!("round trip of a sealed command, {name}, ms"));
        let beside = format!("{} (in the open)", millis(theirs));
        table.row(row.texts(&millis(ours), &beside).ratio(ours.as_secs_f64() / theirs.as_secs_f64()));
    }
    let cost = ours.quantile(0.5).saturating_sub(theirs.quantile(0.5));
    let row = Row::new("opening one sealed line and sealing its answer, ms").texts(&millis(cost), "");
    table.row(row.reached("< 1 ms", cost < Duration::from_millis(1)));
    Ok(())
}

fn seal(end: &HostEnd, number: u64, request: &str) -> Option<String> {
    let ms = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_millis() as u64;
    let mut random = [0; 32];
    random.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
    let id = format!("bench-{number}-");
    end.seal((ms, &number.to_string()), Some(&id), request, random)
}
