//! Others beside it: Ansible's ad-hoc command. Debian 12 does not have Salt, so it is left out.

use crate::Cli;
use crate::table::Table;
use anyhow::{Result, ensure};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const ANSIBLE: &str = "/usr/bin/ansible";
/// Local targets, and how many of them at one time.
const TARGETS: usize = 200;
const FORKS: &str = "20";

/// One command to local targets, scaled to as many as the fleet has.
pub fn ansible(cli: &Cli, table: &mut Table) -> Result<()> {
    if !Path::new(ANSIBLE).exists() {
        eprintln!("left out: {ANSIBLE} is not there");
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    let inventory = directory.path().join("hosts");
    let targets: Vec<_> = (0..TARGETS)
        .map(|n| format!("vm-{n} ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n"))
        .collect();
    std::fs::write(&inventory, targets.concat())?;
    let mut command = Command::new(ANSIBLE);
    command.args(["all", "--forks", FORKS, "--module-name", "command", "--args", "true", "--inventory"]);
    command.arg(&inventory).env("HOME", directory.path()).stdin(Stdio::null());
    let began = Instant::now();
    let output = command.output()?;
    let elapsed = began.elapsed().as_secs_f64();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all = cli.hubs * cli.machines;
    let scaled = elapsed * all as f64 / TARGETS as f64;
    table.row(
        &format!("one command to {TARGETS} local targets, and scaled to {all}"),
        "",
        &format!("{elapsed:.1} s, {scaled:.0} s (ansible-core, {FORKS} forks)"),
        "",
    );
    Ok(())
}
