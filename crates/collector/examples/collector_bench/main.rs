//! Measures a collection against its floor, and makes the load to measure under.
//!
//! `measure [ROUNDS] [SETTLE_SECS]` prints one line of JSON. `load PROCESSES SOCKETS` starts so many sleeping
//! processes and opens so many TCP sockets, prints `ready`, and takes all back at the end of its stdin.
//! `collect ROUNDS` and `floor ROUNDS` do nothing else, to be looked at from outside.

mod counting_unsafe;
mod floor;
mod load;
mod measure;
mod repeat;

use anyhow::{Context, Result, bail};

#[global_allocator]
static ALLOCATOR: counting_unsafe::Counting = counting_unsafe::Counting;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: Option<usize>| match arguments.get(at) {
        Some(text) => text.parse().with_context(|| format!("{text} is not a number")),
        None => default.context("usage: measure [ROUNDS] [SETTLE_SECS] | load PROCESSES SOCKETS"),
    };
    match arguments.first().map(String::as_str) {
        Some("measure") => measure::run(number(1, Some(31))?, number(2, Some(0))?),
        Some("load") => load::run(number(1, None)?, number(2, None)?),
        Some(what @ ("collect" | "floor")) => repeat::run(what, number(1, None)?),
        Some("hold") => load::hold(number(1, None)?),
        _ => bail!("usage: measure [ROUNDS] [SETTLE_SECS] | load PROCESSES SOCKETS"),
    }
}
