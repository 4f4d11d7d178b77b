//! The framework's promises on raw commands: output is cut and drained, and its bytes are harmless.

use crate::support::{equal, with_host};
use crate::unsafe_command::{raw, turned_on};
use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::guest::PATIENCE;
use infiniservice_e2e::harness::Scenario;
use serde_json::json;

pub const SCENARIOS: &[Scenario] = &[
    ("framework::output_beyond_the_limit_is_cut_told_and_drained", cut),
    ("framework::nul_and_invalid_utf_8_in_output_are_harmless", bytes),
];

/// The program ends by itself, so its pipe was drained to the end.
fn cut(guest: &Guest) -> Result<()> {
    const WRITTEN: u64 = 3 << 20;
    let _undo = turned_on(guest)?;
    with_host(guest, |client| {
        let script = format!("head -c {WRITTEN} /dev/zero | tr '\\0' x; echo drained >&2");
        let response = raw(guest, client, &json!({"raw_command": script, "timeout": 60}))?;
        equal("end", (response.success, response.exit_code), (true, Some(0)))?;
        equal("stderr", response.stderr.as_str(), "drained\n")?;
        equal("written", response.stdout_bytes, Some(WRITTEN))?;
        ensure!(response.stdout.len() <= 1 << 20, "{} bytes are sent", response.stdout.len());
        ensure!(response.stdout.starts_with("xxxx"), "the beginning is not kept");
        guest.wait(client.ping(PATIENCE)).map(drop).map_err(Into::into)
    })
}

fn bytes(guest: &Guest) -> Result<()> {
    let _undo = turned_on(guest)?;
    with_host(guest, |client| {
        let script = r"printf 'a\000b\377c\303'; printf '\000\n' >&2";
        let response = raw(guest, client, &json!({"raw_command": script}))?;
        ensure!(response.success, "{response:?}");
        ensure!(!response.stdout.contains('\0') && !response.stderr.contains('\0'), "{response:?}");
        let letters: String = response.stdout.chars().filter(char::is_ascii_alphabetic).collect();
        equal("letters", letters.as_str(), "abc")?;
        guest.wait(client.ping(PATIENCE)).map(drop).map_err(Into::into)
    })
}
