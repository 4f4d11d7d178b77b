//! `cargo xtask lab`: the virtual machine, kept running to play with.

use crate::dist::released_agent;
use crate::steps::{cargo, run};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use infiniservice_lab::{BootOptions, Machine, Network, console, dirs, packages};

/// The virtual machine of the tests, kept running to play with.
#[derive(Subcommand)]
pub enum Lab {
    /// Boots the machine, building its image the first time, and prints the socket of the agent's port.
    Up(Up),
    /// A root shell on the machine's serial console; Ctrl-] leaves it.
    Console,
    /// Stops the machine; what was written in it is gone.
    Down,
    /// Tries the agent in a domain of this host's real libvirt, as root. Takes minutes: the machine starts twice.
    Libvirt,
}

/// How the machine is to be.
#[derive(Args)]
pub struct Up {
    /// Directory shown to the guest, read-only, at /mnt/payload.
    #[arg(long, value_name = "DIR")]
    payload: Option<PathBuf>,
    /// Virtual processors.
    #[arg(long, default_value_t = BootOptions::default().cpus)]
    cpus: u8,
    /// Memory in MiB.
    #[arg(long, default_value_t = BootOptions::default().memory_mib)]
    memory_mib: u32,
    /// Let the guest reach the network through the host.
    #[arg(long)]
    network: bool,
}

impl Lab {
    /// Carries the command out.
    pub fn run(self) -> Result<()> {
        match self {
            Self::Up(options) => up(options),
            Self::Console => console(),
            Self::Down => down(),
            Self::Libvirt => libvirt(),
        }
    }
}

fn up(options: Up) -> Result<()> {
    let dir = dirs::run_dir()?;
    let machine = if let Some(machine) = Machine::attach(&dir)? {
        println!("The machine runs already.");
        machine
    } else {
        Machine::boot_detached(&options.into(), &dir)?
    };
    println!("agent port  {}", machine.agent_socket().display());
    println!("console     cargo xtask lab console (log: {}/console.log)", dir.display());
    println!("stop        cargo xtask lab down");
    Ok(())
}

fn console() -> Result<()> {
    let machine = Machine::attach(&dirs::run_dir()?)?.context("no machine runs: cargo xtask lab up")?;
    eprintln!("root shell of the machine, Ctrl-] leaves it; press Enter for a prompt\r");
    console::attach(&machine.console_socket())
}

fn down() -> Result<()> {
    match Machine::attach(&dirs::run_dir()?)? {
        Some(machine) => machine.stop(),
        None => println!("No machine runs."),
    }
    Ok(())
}

/// The scenarios of `crates/e2e/tests/libvirt.rs`, with the release build.
fn libvirt() -> Result<()> {
    packages::ensure(packages::LIBVIRT)?;
    let tests = [
        "test",
        "-p",
        "infiniservice-lab",
        "-p",
        "infiniservice-e2e",
        "--test",
        "libvirt",
        "--",
        "--nocapture",
    ];
    let mut tests = cargo(&tests);
    if std::env::var_os("INFINISERVICE_AGENT").is_none() {
        tests.env("INFINISERVICE_AGENT", released_agent()?);
    }
    run(tests.env("INFINISERVICE_LIBVIRT", "1").env("RUST_BACKTRACE", "0"))
}

impl From<Up> for BootOptions {
    fn from(up: Up) -> Self {
        let network = if up.network { Network::Open } else { Network::Isolated };
        Self { cpus: up.cpus, memory_mib: up.memory_mib, payload: up.payload, network, ..Self::default() }
    }
}
