//! `cargo xtask bench`: builds the agent as it is released and the benchmark, and runs it.

use anyhow::{Context, Result};
use clap::Args;
use infiniservice_lab::packages;
use std::path::PathBuf;

use crate::dist::linux::FAST;
use crate::dist::released_agent;
use crate::steps::{built, cargo, run};
use crate::windows::{self, Profile};

/// Measure the agent, compare it with qemu-ga and with the least possible cost in the same run, and print a table
#[derive(Args, Debug)]
pub struct Bench {
    /// Run in the virtual machine, on real ports, instead of on a pty.
    #[arg(long)]
    vm: bool,
    /// Measure the Windows program under Wine instead.
    #[arg(long, conflicts_with = "vm")]
    windows: bool,
    /// Measure how a collection grows with processes and sockets instead.
    #[arg(long, conflicts_with_all = ["vm", "windows"])]
    growth: bool,
    /// Count the system calls of a collection with strace instead.
    #[arg(long, conflicts_with_all = ["vm", "windows", "growth"])]
    syscalls: bool,
    /// Compare the QEMU guest agent's protocol with qemu-ga instead; with --vm on a real port.
    #[arg(long, conflicts_with_all = ["windows", "growth", "syscalls"])]
    qga: bool,
    /// Measure the host's daemon with 5,000 simulated machines instead, beside infinictl's library reading as many, Debian's
    /// exporter for libvirt, and the real Prometheus.
    #[arg(long, conflicts_with_all = ["vm", "windows", "growth", "syscalls", "qga", "write"])]
    hub: bool,
    /// Measure one order to 100,000 simulated machines on 500 simulated hubs instead, with the real server of NATS and the real
    /// coordinator, beside Ansible.
    #[arg(long, conflicts_with_all = ["vm", "windows", "growth", "syscalls", "qga", "hub", "write"])]
    fleet: bool,
    /// Compare with this other program of the agent, such as an earlier release, both at the same time, instead.
    #[arg(long, value_name = "AGENT", conflicts_with_all = ["vm", "windows", "growth", "syscalls", "qga", "hub", "fleet"])]
    earlier: Option<PathBuf>,
    /// Use short windows and few rounds, for rough figures.
    #[arg(long)]
    quick: bool,
    /// Write the table to docs/benchmarks.md; not with --hub or --fleet, which only print theirs.
    #[arg(long)]
    write: bool,
}

/// Built as the agent is: what makes load, and collections without an agent.
fn collector_bench() -> Result<PathBuf> {
    let build = ["build", "--release", "-p", "infiniservice-collector", "--example", "collector_bench"];
    run(&mut cargo(&build))?;
    Ok(built("release/examples/collector_bench"))
}

impl Bench {
    /// Builds and runs.
    pub fn run(&self) -> Result<()> {
        if self.windows {
            return self.run_windows();
        }
        if self.hub {
            return self.run_hub();
        }
        if self.fleet {
            return self.run_fleet();
        }
        let agent = released_agent()?;
        let needs_none = self.qga || self.earlier.is_some();
        let collector = if needs_none { PathBuf::from("none") } else { collector_bench()? };
        let mut bench = cargo(&["run", "--quiet", "-p", "infiniservice-e2e", "--example", "bench", "--"]);
        // The machine of the tests takes the agent to install from there.
        bench.env("INFINISERVICE_AGENT", &agent).arg("--agent").arg(agent);
        bench.arg("--collector-bench").arg(collector);
        if let Some(earlier) = &self.earlier {
            bench.arg("--earlier").arg(earlier);
        }
        run(bench.args(self.flags()))
    }

    fn run_hub(&self) -> Result<()> {
        for (needs, what) in [
            (packages::PROMETHEUS, "the real Prometheus"),
            (packages::LIBVIRT_EXPORTER, "libvirt's exporter"),
        ] {
            if let Err(error) = packages::ensure(needs) {
                println!("    left out, {what}: {error:#}");
            }
        }
        let build = ["build", "--release", "-p", "infinihub", "-p", "infiniservice-hub-sim", "--bins"];
        run(cargo(&build).args(FAST))?;
        let mut bench = cargo(&["run", "--quiet", "--release", "-p", "infinihub", "--example", "hub_bench"]);
        let window = if self.quick { "5" } else { "20" };
        run(bench.args(FAST).args(["--", "--programs"]).arg(built("release")).args(["--window", window]))
    }

    fn run_fleet(&self) -> Result<()> {
        if let Err(error) = packages::ensure(packages::ANSIBLE) {
            println!("    left out, Ansible: {error:#}");
        }
        let build = ["build", "--release", "-p", "infinihub", "--bins", "--example", "fleet_bench"];
        run(cargo(&build).args(FAST))?;
        let mut bench = std::process::Command::new(built("release/examples/fleet_bench"));
        bench.arg("--programs").arg(built("release"));
        if self.quick {
            bench.args(["--hubs", "50", "--rounds", "1"]);
        }
        run(&mut bench)
    }

    fn run_windows(&self) -> Result<()> {
        windows::prepare()?;
        packages::ensure(packages::WINE)?;
        let built = windows::build(Profile::Release)?;
        let agent = built.first().context("the agent is built")?;
        let mut bench =
            cargo(&["run", "--quiet", "-p", "infiniservice-e2e", "--example", "bench", "--", "--agent"]);
        bench.arg(agent).env("INFINISERVICE_WINDOWS_AGENT", agent);
        run(bench.args(["--collector-bench", "none"]).args(self.flags()))
    }

    fn flags(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            (self.vm, "--vm"),
            (self.windows, "--windows"),
            (self.growth, "--growth"),
            (self.syscalls, "--syscalls"),
            (self.qga, "--qga"),
            (self.quick, "--quick"),
            (self.write, "--write"),
        ];
        all.into_iter().filter_map(|(wanted, flag)| wanted.then_some(flag))
    }
}
