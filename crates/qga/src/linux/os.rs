//! The system and its kernel, the host's name, the load.

use super::{Tree, needed, text, word};
use crate::error::Error;
use crate::reply::{HostName, Load, OsInfo};

/// os-release(5): the first that is there.
const RELEASES: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// What os-release tells, and of the kernel.
pub fn info(tree: &dyn Tree, machine: &str) -> OsInfo {
    let release = RELEASES.iter().find_map(|path| text(tree, path).ok()).unwrap_or_default();
    let field = |key: &str| release.lines().rev().find_map(|line| value(line, key));
    OsInfo {
        id: field("ID"),
        name: field("NAME"),
        pretty_name: field("PRETTY_NAME"),
        version: field("VERSION"),
        version_id: field("VERSION_ID"),
        variant: field("VARIANT"),
        variant_id: field("VARIANT_ID"),
        kernel_release: word(tree, "proc/sys/kernel/osrelease"),
        kernel_version: word(tree, "proc/sys/kernel/version"),
        machine: Some(machine.to_owned()).filter(|machine| !machine.is_empty()),
    }
}

/// The value of a line that assigns to `key`, without its quotes.
fn value(line: &str, key: &str) -> Option<String> {
    let value = line.trim().strip_prefix(key)?.strip_prefix('=')?;
    let mut chars = value.chars().peekable();
    let quote = chars.next_if(|c| matches!(c, '"' | '\''));
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        match c {
            _ if Some(c) == quote => break,
            '\\' if quote != Some('\'') => plain.extend(chars.next()),
            _ => plain.push(c),
        }
    }
    Some(plain)
}

/// As it is now.
pub fn host_name(tree: &dyn Tree) -> Result<HostName, Error> {
    let host_name = needed(tree, "proc/sys/kernel/hostname")?.trim().to_owned();
    Ok(HostName { host_name })
}

/// The load averages.
pub fn load(tree: &dyn Tree) -> Result<Load, Error> {
    let text = needed(tree, "proc/loadavg")?;
    let mut numbers =
        text.split_ascii_whitespace().map(|word| word.parse::<f64>().ok().filter(|load| load.is_finite()));
    let mut next = || numbers.next().flatten();
    let load = next().zip(next()).zip(next());
    let load = load.map(|((one_minute, five_minutes), fifteen_minutes)| Load {
        one_minute,
        five_minutes,
        fifteen_minutes,
    });
    load.ok_or_else(|| Error::generic("failed to read '/proc/loadavg': it has no load averages"))
}
