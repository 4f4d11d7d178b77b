//! Standard libraries for other systems than this one: rustup fetches what is missing.

use crate::steps::{command, run};
use anyhow::Result;
use infiniservice_lab::command::output_of;

/// Installs the standard library for `target` where it is missing.
pub fn ensure(target: &str) -> Result<()> {
    let installed = output_of(&mut command("rustup", &["target", "list", "--installed"]))?;
    if installed.lines().any(|name| name == target) {
        return Ok(());
    }
    println!("    the target {target} is missing: installing it");
    run(&mut command("rustup", &["target", "add", target]))
}
