//! Routes of both versions, as the kernel's tables have them.

use super::{Tree, needed, text};
use crate::error::Error;
use crate::reply::Route;
use std::net::{Ipv4Addr, Ipv6Addr};

/// All routes. A kernel without IPv6 has no table of it.
pub fn routes(tree: &dyn Tree) -> Result<Vec<Route>, Error> {
    let (v4, v6) = (needed(tree, "proc/net/route")?, text(tree, "proc/net/ipv6_route").unwrap_or_default());
    Ok(v4.lines().skip(1).filter_map(version_4).chain(v6.lines().filter_map(version_6)).collect())
}

fn version_4(line: &str) -> Option<Route> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let address = |at: usize| {
        let word = u32::from_str_radix(words.get(at)?, 16).ok()?;
        Some(Ipv4Addr::from(word.to_ne_bytes()).to_string())
    };
    let number = |at: usize| words.get(at)?.parse().ok();
    Some(Route {
        iface: (*words.first()?).to_owned(),
        destination: address(1)?,
        gateway: Some(address(2)?),
        flags: u64::from_str_radix(words.get(3)?, 16).ok(),
        refcnt: number(4),
        used: number(5),
        metric: number(6)?,
        mask: Some(address(7)?),
        mtu: number(8),
        window: number(9),
        irtt: number(10),
        version: 4,
        ..Route::default()
    })
}

fn version_6(line: &str) -> Option<Route> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let hex = |at: usize| u32::from_str_radix(words.get(at)?, 16).ok();
    let address = |at: usize| {
        let bits = u128::from_str_radix(words.get(at)?, 16).ok()?;
        Some(Ipv6Addr::from(bits).to_string())
    };
    // Beyond half of its range a metric is told as below zero.
    let metric = i64::from(i32::from_ne_bytes(hex(5)?.to_ne_bytes()));
    Some(Route {
        iface: (*words.get(9)?).to_owned(),
        destination: address(0)?,
        destination_prefix: Some(hex(1)?.to_string()),
        source: Some(address(2)?),
        source_prefix: Some(hex(3)?.to_string()),
        nexthop: Some(address(4)?),
        metric,
        refcnt: hex(6).map(i64::from),
        used: hex(7).map(i64::from),
        flags: hex(8).map(u64::from),
        version: 6,
        ..Route::default()
    })
}
