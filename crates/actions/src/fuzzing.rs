//! What must hold of whatever is read and sent: for the fuzzed readers of every crate.

use crate::autochecks::checks::{clock, cpu, oom_kills, read_only_mounts};
use crate::task::response;
use infiniservice_exec::CommandOutcome;
use infiniservice_platform::linux::mounts;
use infiniservice_protocol::{Body, GuestLine, GuestMessage, parse_guest_line};
use serde::Serialize;
use std::time::{Duration, UNIX_EPOCH};

/// As the runner hands on what a program wrote.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "")
}

/// Longest line of the guest in these tests.
const MAX_LINE_BYTES: usize = 64 << 10;

/// Reads entries of the journal and an event, as `ServiceLogs` does.
pub fn logs(text: &str) {
    crate::safe::service_logs::read_any(text);
}

/// Whatever was read of it, a `response` with it is one line of ASCII within the bound, and the host can read it.
pub fn fits_the_wire(data: &impl Serialize) {
    let result = CommandOutcome::of(data);
    let answer = response("fuzz", "ServiceList", Duration::ZERO, result);
    sent(GuestMessage::Response(answer));
}

/// A message of the guest, written and read back.
pub fn sent(mut message: GuestMessage) {
    let mut line = Vec::new();
    Body::encode_within(&mut message, MAX_LINE_BYTES).finish(UNIX_EPOCH, &mut line);
    assert!(line.is_ascii() && line.len() <= MAX_LINE_BYTES + 1, "{} bytes", line.len());
    assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
    let text = String::from_utf8_lossy(&line);
    assert!(matches!(parse_guest_line(text.trim_end()), Ok(GuestLine::Known(_))), "{text}");
}

/// Whatever is in them, they are read or refused.
pub fn checks(bytes: &[u8]) {
    let _ = cpu::parse(bytes);
    let _ = (clock::parse_rtc(bytes), clock::is_local(bytes), oom_kills::count(bytes));
    let (mounts, wanted) = (
        read_only_mounts::of_devices(mounts::read(bytes).unwrap_or_default().mounts),
        read_only_mounts::wanted(bytes),
    );
    let _ = read_only_mounts::assess(&mounts, &wanted);
}
