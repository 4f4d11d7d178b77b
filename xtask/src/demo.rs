//! `cargo xtask demo`: the main job, to be looked at.

mod fleet;

use crate::steps::{built, cargo, root, run};
use anyhow::{Context, Result};
use clap::Args;
use infiniservice_lab::{BootOptions, Machine, payload};
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Starts the agent on a pseudo-terminal, runs a few safe commands and explains them, then shows it live.
#[derive(Args)]
pub struct Demo {
    /// Use a real virtual machine instead, over its virtio-serial port.
    #[arg(long)]
    vm: bool,
    /// Show a host with its daemon instead: 50 simulated guests and two real ones, the page, and some commands.
    #[arg(long)]
    fleet: bool,
    /// With --fleet: so many hosts instead, with a hub, 20 simulated guests and a real one each, the real server of NATS between
    /// them, and jobs in waves over all of them, during one of which the server is killed.
    #[arg(long, requires = "fleet", conflicts_with = "vm", value_parser = clap::value_parser!(u8).range(1..=9))]
    hosts: Option<u8>,
    /// Only print one `system_metrics` line and one response (with --fleet: the machines, and a response of a real one), then
    /// exit.
    #[arg(long)]
    once: bool,
    /// With --once: print JSON, one document per line.
    #[arg(long, requires = "once")]
    json: bool,
}

/// The programs that were built, and how the host's end reaches the guest's.
struct Stage {
    infinictl: PathBuf,
    reach: Vec<String>,
    /// Ends with the demonstration.
    machine: Option<Machine>,
}

impl Demo {
    /// Builds, and plays.
    pub fn run(&self) -> Result<()> {
        if self.fleet {
            return fleet::run(self);
        }
        eprintln!("building the agent and infinictl");
        let built = if self.vm { &["--release"][..] } else { &[] };
        run(cargo(&[&["build", "--quiet", "-p", "infiniservice", "-p", "infinictl"], built].concat())
            .stdout(Stdio::null()))?;
        let stage = if self.vm { machine()? } else { local() };
        if self.once { self.once(&stage) } else { tour(&stage) }
    }

    fn once(&self, stage: &Stage) -> Result<()> {
        let json = if self.json { &["--json"][..] } else { &[] };
        stage.show(&[json, &["metrics"]].concat())?;
        stage.show(&[json, &["process", "list", "--limit", "3"]].concat())
    }
}

impl Stage {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.infinictl);
        command.args(&self.reach).args(arguments).current_dir(root());
        command
    }

    /// Runs infinictl on what succeeds.
    fn show(&self, arguments: &[&str]) -> Result<()> {
        run(&mut self.command(arguments))
    }

    /// Says why, shows the command, runs it. A refusal is part of what is shown, so the exit code is not looked at.
    fn explain(&self, why: &str, arguments: &[&str]) -> Result<()> {
        println!("\n{why}\n$ infinictl {} {}", self.reach.join(" "), arguments.join(" "));
        self.command(arguments).status().map(drop).context("cannot start infinictl")
    }
}

fn tour(stage: &Stage) -> Result<()> {
    println!("A guest needs no second agent: libvirt, Proxmox VE and KubeVirt drive this one as qemu-ga.");
    stage.explain("Which agent is it, and what can it do?", &["hello"])?;
    stage.explain("How long does a line to the guest and back take?", &["ping", "--count", "5"])?;
    stage.explain("The five busiest processes of the guest.", &["process", "list", "--limit", "5"])?;
    if stage.machine.is_some() {
        stage.explain("One service of the guest.", &["service", "status", "systemd-journald"])?;
        stage.explain(
            "Restart it: the agent waits for systemd's job and reports the result.",
            &["service", "restart", "systemd-journald"],
        )?;
    } else {
        end_a_process(stage)?;
    }
    stage
        .explain("The agent refuses to end a protected process, and says why.", &["process", "kill", "1"])?;
    let raw = r#"{"type":"UnsafeCommand","id":"demo","raw_command":"id"}"#;
    stage.explain("Raw shell commands are off unless the guest's owner turned them on.", &["send", raw])?;
    if !std::io::stdout().is_terminal() {
        return stage.explain("The metrics. (On a terminal the live view would follow.)", &["metrics"]);
    }
    println!("\nThe live view: q quits it. Press Enter to continue.");
    std::io::stdin().read_line(&mut String::new())?;
    stage.show(&["watch"])
}

fn end_a_process(stage: &Stage) -> Result<()> {
    let mut child = Sleeper(Command::new("sleep").arg("1000").spawn().context("sleep")?);
    let pid = child.0.id().to_string();
    let why = "End a process (a sleep started for this); the agent waits until it is gone.";
    let ended = stage.explain(why, &["process", "kill", &pid]);
    child.0.try_wait()?;
    ended
}

/// Is ended whatever happens.
struct Sleeper(Child);

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn local() -> Stage {
    let agent = built("debug/infiniservice").display().to_string();
    let reach = ["--local", "--agent", &agent].map(str::to_owned).to_vec();
    Stage { infinictl: built("debug/infinictl"), reach, machine: None }
}

fn machine() -> Result<Stage> {
    let machine = boot("demo")?;
    let reach = vec!["--socket".to_owned(), machine.agent_socket().display().to_string()];
    Ok(Stage { infinictl: built("release/infinictl"), reach, machine: Some(machine) })
}

/// A virtual machine with the agent installed.
fn boot(vm_id: &str) -> Result<Machine> {
    let directory = tempfile::tempdir()?;
    payload::fill(directory.path(), &built("release/infiniservice"), &root().join("packaging"))?;
    eprintln!("booting the virtual machine; the first time this builds its image, which takes some minutes");
    let options = BootOptions { payload: Some(directory.path().to_path_buf()), ..BootOptions::default() };
    let machine = Machine::boot(&options)?;
    machine.shell(&format!("/mnt/payload/install-linux.sh --vm-id {vm_id}"))?.expect_success()?;
    Ok(machine)
}
