//! What is fuzzed: every reader of what others write, and what must hold whatever they write.
//!
//! Here, and not in `fuzz/`, because readers are no part of the library's interface. Compiled for this crate's tests, which
//! replay the corpora below `fuzz/corpus`, and under the feature `fuzzing`, for cargo-fuzz. Never in a release.

#[cfg(test)]
mod mutation;
#[cfg(test)]
mod tests;
mod tools;
mod wire;

use infiniservice_exec::{CommandOutcome, response};
use infiniservice_protocol::{Body, GuestLine, GuestMessage, parse_guest_line};
use serde::Serialize;
use std::time::{Duration, UNIX_EPOCH};

/// A target: panics where something that must hold does not.
pub type Target = fn(&[u8]);

/// All targets, by the names of their files in `fuzz/fuzz_targets` and their corpora.
pub const TARGETS: &[(&str, Target)] = &[
    ("apt", crate::packages::fuzzing::apt),
    ("codec", wire::codec),
    ("config", crate::config::fuzzing::file),
    ("dpkg", tools::dpkg),
    ("envelope", wire::envelope),
    ("guest_line", wire::guest_line),
    ("host_line", wire::host_line),
    ("inventory", tools::inventory),
    ("netlink", infiniservice_collector::fuzzing::netlink),
    ("os_release", tools::os_release),
    ("proc", tools::proc),
    ("rpm", tools::rpm),
    ("tools", tools::tools),
    ("winget", crate::packages::fuzzing::winget),
];

/// Runs the target of this name; a name that is none is a fault of the caller's.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.unwrap_or_else(|| panic!("{name} is no target")).1(bytes);
}

/// As the runner hands on what a program wrote.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "")
}

/// Longest line of the guest in these tests.
const MAX_LINE_BYTES: usize = 64 << 10;

/// Whatever was read of it, a `response` with it is one line of ASCII within the bound, and the host can read it.
pub(crate) fn fits_the_wire(data: &impl Serialize) {
    let result = CommandOutcome::of(data);
    let answer = response("fuzz", "ServiceList", Duration::ZERO, result);
    sent(GuestMessage::Response(answer));
}

/// A message of the guest, written and read back.
pub(crate) fn sent(mut message: GuestMessage) {
    let mut line = Vec::new();
    Body::encode_within(&mut message, MAX_LINE_BYTES).finish(UNIX_EPOCH, &mut line);
    assert!(line.is_ascii() && line.len() <= MAX_LINE_BYTES + 1, "{} bytes", line.len());
    assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
    let text = String::from_utf8_lossy(&line);
    assert!(matches!(parse_guest_line(text.trim_end()), Ok(GuestLine::Known(_))), "{text}");
}
