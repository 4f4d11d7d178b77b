//! How much an agent says in a minute: to a host that asks for compressed lines, and to one that does not.

use anyhow::Result;
use std::time::{Duration, Instant};

use crate::Effort;
use crate::peer::Peer;
use crate::programs::Programs;
use crate::table::{Row, Table, decimal};

const ASKS: &str = r#"{"type":"Hello","accept":["lz4"]}"#;
const DOES_NOT_ASK: &str = r#"{"type":"Hello"}"#;
/// Whole minutes hold as many metrics each, at one every 30 s.
const MINUTE: Duration = Duration::from_mins(1);

/// Two agents at once, so that both see the same machine.
pub fn measure(programs: &Programs, effort: &Effort, table: &mut Table) -> Result<()> {
    eprintln!("compressed lines");
    let minutes = (effort.window.as_secs() / MINUTE.as_secs()).max(1) as u32;
    let (_plain_agent, plain) = programs.start_agent()?;
    let (_agent, compressed) = programs.start_agent()?;
    let (plain, compressed) = std::thread::scope(|scope| {
        let other = scope.spawn(|| bytes_a_minute(plain, DOES_NOT_ASK, minutes));
        let own = bytes_a_minute(compressed, ASKS, minutes);
        (other.join().unwrap_or_else(|_panic| anyhow::bail!("the plain host panicked")), own)
    });
    let (plain, compressed) = (plain?, compressed?);
    let row = Row::new("bytes a minute, compressed, metrics every 30 s")
        .texts(&decimal(compressed), &format!("{} (plain)", decimal(plain)));
    table.row(row.ratio(compressed / plain));
    Ok(())
}

/// The first collections, which are closer together, are over before the counting begins.
fn bytes_a_minute(mut host: Peer, hello: &str, minutes: u32) -> Result<f64> {
    host.exchange(hello, r#""type":"hello""#)?;
    let begin = Instant::now() + Duration::from_secs(20);
    host.serve(begin)?;
    let before = host.bytes_read;
    host.serve(begin + minutes * MINUTE)?;
    Ok((host.bytes_read - before) as f64 / f64::from(minutes))
}
