//! `cargo xtask test`: everything that continuous integration checks.

use crate::steps::{Steps, cargo, run};
use anyhow::Result;
use clap::Args;
use infiniservice_lab::command::find;

/// Check everything: format, lints, licences, tests, and the agent in a real virtual machine.
#[derive(Args)]
pub struct Test {
    /// Leave out the virtual machine.
    #[arg(long)]
    fast: bool,
}

impl Test {
    /// Runs every step, then tells which failed.
    pub fn run(&self) -> Result<()> {
        let mut steps = Steps::default();
        steps.step("format", || run(&mut cargo(&["fmt", "--all", "--check"])));
        steps.step("lints", || {
            run(&mut cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--features",
                "infiniservice-link/sim",
                "--",
                "-D",
                "warnings",
            ]))
        });
        steps.step("licences, bans and sources of dependencies", licences);
        steps.step("the guest's dependencies are the guest's alone", guest_dependencies);
        steps.step("documentation", documentation);
        steps.step("tests", || {
            // A failure is one paragraph, not a page: the log of a run is read from its end.
            let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
            run(tests.env_remove("INFINISERVICE_VM").env("RUST_BACKTRACE", "0"))
        });
        if self.fast {
            println!("\n==> the virtual machine\n    left out: --fast was given");
        } else {
            steps.step("release build", || {
                run(&mut cargo(&["build", "--release", "-p", "infiniservice", "-p", "infinictl"]))
            });
            steps.step("the virtual machine", machine);
        }
        steps.finish()
    }
}

fn licences() -> Result<()> {
    if find("cargo-deny").is_none() {
        println!("    cargo-deny is not here: installing it");
        run(&mut cargo(&["install", "--locked", "cargo-deny"]))?;
    }
    run(&mut cargo(&["deny", "--log-level", "error", "check", "licenses", "bans", "sources"]))
}

/// What only the host needs must never be linked into a guest.
fn guest_dependencies() -> Result<()> {
    let tree = cargo(&["tree", "-p", "infiniservice", "-e", "normal", "--prefix", "none"]).output()?;
    let tree = String::from_utf8_lossy(&tree.stdout);
    for host_only in ["ratatui", "comfy-table", "indicatif"] {
        let found = tree.lines().any(|line| line.split(' ').next() == Some(host_only));
        anyhow::ensure!(!found, "infiniservice links {host_only}, which belongs to the host");
    }
    println!("    {} crates", tree.lines().collect::<std::collections::BTreeSet<_>>().len());
    Ok(())
}

fn documentation() -> Result<()> {
    run(cargo(&["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))
}

fn machine() -> Result<()> {
    infiniservice_lab::packages::ensure(infiniservice_lab::packages::LAB)?;
    let tests = [
        "test",
        "-p",
        "infiniservice-lab",
        "-p",
        "infiniservice-e2e",
        "--",
        "--test-threads=1",
        "--nocapture",
    ];
    run(cargo(&tests).env("INFINISERVICE_VM", "1").env("RUST_BACKTRACE", "0"))
}
