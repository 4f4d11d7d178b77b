//! What is fuzzed of the checks: their readers of the kernel's text files.

use super::checks::{clock, cpu, oom_kills, read_only_mounts};
use infiniservice_platform::linux::mounts;

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
