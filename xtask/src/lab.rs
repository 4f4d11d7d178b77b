//! `cargo xtask lab`: the virtual machine, kept running to play with.

use crate::dist::released_agent;
use crate::steps::{cargo, root, run};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use infiniservice_lab::{BootOptions, Machine, Network, console, dirs, packages, payload};

/// Run the virtual machine of the tests for interactive use.
#[derive(Subcommand)]
pub enum Lab {
    /// Boot the machine, building its image the first time, install the agent in it, and print the socket of its port.
    Up(Up),
    /// Open a root shell on the machine's serial console; Ctrl-] leaves it.
    Console,
    /// Stop the machine, and discard everything that was written in it.
    Down,
    /// Test the agent in domains of this host's real libvirt, as root: its own channel, and what virsh does by the QEMU guest
    /// agent's. Takes minutes: machines start six times.
    Libvirt,
    /// Let the agent join a domain of Active Directory, as root: a real Samba's, in namespaces. Takes some minutes the first
    /// time, as the image is made of 300 packages.
    Domain,
}

/// Options of the machine.
#[derive(Args)]
pub struct Up {
    /// Mount this directory in the guest, read-only, at /mnt/payload, instead of the agent and its installer; no agent is installed.
    #[arg(long, value_name = "DIR")]
    payload: Option<PathBuf>,
    /// Number of virtual processors.
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
            Self::Domain => domain(),
        }
    }
}

fn up(options: Up) -> Result<()> {
    let dir = dirs::run_dir()?;
    let machine = if let Some(machine) = Machine::attach(&dir)? {
        println!("The machine is already running.");
        machine
    } else if options.payload.is_some() {
        Machine::boot_detached(&options.into(), &dir)?
    } else {
        with_agent(&options, &dir)?
    };
    println!("agent port  {}", machine.agent_socket().display());
    println!("try         infinictl --socket {} hello", machine.agent_socket().display());
    println!("console     cargo xtask lab console (log: {}/console.log)", dir.display());
    println!("stop        cargo xtask lab down");
    Ok(())
}

/// The agent that users get, installed as users do it.
fn with_agent(options: &Up, dir: &Path) -> Result<Machine> {
    let agent = match std::env::var_os("INFINISERVICE_AGENT") {
        Some(agent) => PathBuf::from(agent),
        None => released_agent()?,
    };
    let files = dir.with_extension("payload");
    if files.exists() {
        fs::remove_dir_all(&files).with_context(|| files.display().to_string())?;
    }
    fs::create_dir_all(&files).with_context(|| files.display().to_string())?;
    payload::fill(&files, &agent, &root().join("packaging"))?;
    let machine = Machine::boot_detached(&Up { payload: Some(files), ..*options }.into(), dir)?;
    machine.wait_booted()?;
    let installed = machine.shell("/mnt/payload/install-linux.sh --vm-id lab")?;
    ensure!(
        installed.exit_code == Some(0),
        "the agent cannot be installed: {}{}",
        installed.stdout,
        installed.stderr
    );
    Ok(machine)
}

fn console() -> Result<()> {
    let machine = Machine::attach(&dirs::run_dir()?)?.context("no machine is running: cargo xtask lab up")?;
    eprintln!("root shell of the machine, Ctrl-] leaves it; press Enter for a prompt\r");
    console::attach(&machine.console_socket())
}

fn down() -> Result<()> {
    match Machine::attach(&dirs::run_dir()?)? {
        Some(machine) => machine.stop(),
        None => println!("No machine is running."),
    }
    Ok(())
}

/// The scenarios of `crates/e2e/tests/libvirt.rs` and the table of `crates/e2e/tests/virsh`, with the release build.
fn libvirt() -> Result<()> {
    packages::ensure(packages::LIBVIRT)?;
    run(&mut cargo(&["build", "-p", "infinihub"]))?;
    let crates = ["test", "--no-fail-fast", "-p", "infiniservice-lab", "-p", "infiniservice-e2e"];
    let mut tests = cargo(&crates);
    tests.args(["--test", "libvirt", "--test", "virsh", "--", "--nocapture"]);
    if std::env::var_os("INFINISERVICE_AGENT").is_none() {
        tests.env("INFINISERVICE_AGENT", released_agent()?);
    }
    tests.env("INFINISERVICE_LIBVIRT", "1").env("INFINISERVICE_VIRSH", "all");
    run(tests.env("RUST_BACKTRACE", "0"))
}

/// The scenarios of `crates/e2e/tests/domain.rs`, with the release build.
fn domain() -> Result<()> {
    let mut tests = cargo(&["test", "-p", "infiniservice-e2e", "--test", "domain", "--", "--nocapture"]);
    if std::env::var_os("INFINISERVICE_AGENT").is_none() {
        tests.env("INFINISERVICE_AGENT", released_agent()?);
    }
    run(tests.env("INFINISERVICE_DOMAIN", "1").env("RUST_BACKTRACE", "0"))
}

impl From<Up> for BootOptions {
    fn from(up: Up) -> Self {
        let network = if up.network { Network::Open } else { Network::Isolated };
        Self { cpus: up.cpus, memory_mib: up.memory_mib, payload: up.payload, network, ..Self::default() }
    }
}
