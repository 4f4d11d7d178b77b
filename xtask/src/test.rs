//! `cargo xtask test`: everything that continuous integration checks.

use crate::beside::Beside;
use crate::dist::linux;
use crate::steps::{Steps, cargo, root, run};
use crate::test_programs;
use crate::windows::{self, Profile};
use anyhow::Result;
use clap::Args;
use infiniservice_lab::command::find;
use infiniservice_lab::{Namespace, UserMode};

/// Check everything: format, lints, licences, tests, and the agent in a real virtual machine and under Wine.
#[derive(Args)]
pub struct Test {
    /// Skip the virtual machine and Windows.
    #[arg(long)]
    fast: bool,
    /// Check the Windows programs only: lints, build, and scenarios under Wine.
    #[arg(long, conflicts_with = "fast")]
    windows: bool,
    /// Run every scenario in emulated machines, as before a release: also those that could run without emulation.
    #[arg(long, conflicts_with_all = ["fast", "windows"])]
    all_in_machines: bool,
    /// What runs beside the first machine: Windows, namespaces, and more machines where the rest needs them.
    #[arg(long, hide = true, conflicts_with_all = ["fast", "windows"])]
    beside: bool,
}

impl Test {
    /// Runs every step, then tells which failed.
    pub fn run(&self) -> Result<()> {
        if self.windows {
            return windows_steps().finish();
        }
        if self.beside {
            return self.beside_steps().finish();
        }
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
            tests.env_remove("INFINISERVICE_VM").env_remove("INFINISERVICE_WINE");
            run(tests.env("RUST_BACKTRACE", "0"))
        });
        if self.fast {
            println!("\n==> the virtual machine\n    left out: --fast was given");
            println!("\n==> Windows\n    left out: --fast was given");
        } else {
            steps.step("release for Linux: static programs, archive, packages, SBOM", linux::run);
            // First what it installs, so that nothing waits for the package manager's lock.
            let machines = self.machines();
            // An emulated machine waits much, and keeps only one processor busy.
            let mut arguments = vec!["test", "--beside"];
            arguments.extend(self.all_in_machines.then_some("--all-in-machines"));
            let beside = Beside::start("beside", &arguments);
            let skipped =
                machines.elsewhere().iter().flat_map(|group| ["--skip", *group]).collect::<Vec<_>>();
            steps.step("the virtual machine", || scenarios(machines.lab(), &skipped));
            if machines == Machines::Emulated {
                steps.step("the system on a kernel in user mode", || scenarios("usermode", &[]));
            }
            steps.step("Windows, and the system in namespaces (begun with the machine)", || beside?.finish());
        }
        steps.finish()
    }

    fn beside_steps(&self) -> Steps {
        let machines = self.machines();
        let mut steps = windows_steps();
        if machines != Machines::Everything {
            steps.step("the system in namespaces", || scenarios("namespace", &[]));
        }
        for group in machines.elsewhere() {
            steps.step(&format!("the virtual machine: {group}"), || scenarios(machines.lab(), &[group]));
        }
        steps
    }

    /// What the emulated machines have to run.
    fn machines(&self) -> Machines {
        let given = self.all_in_machines.then(|| "--all-in-machines was given".to_owned());
        if let Some(obstacle) = given.or_else(|| Namespace::obstacle().map(str::to_owned)) {
            println!("    no system in namespaces: {obstacle}; the emulated machines run everything");
            return Machines::Everything;
        }
        match UserMode::obstacle() {
            None => Machines::Emulated,
            Some(obstacle) => {
                println!("    no kernel in user mode: {obstacle}; emulated machines take its place");
                Machines::Rest
            }
        }
    }
}

/// What the emulated machines have to run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Machines {
    /// All scenarios.
    Everything,
    /// Those that namespaces cannot run.
    Rest,
    /// Those that a kernel in user mode cannot run either.
    Emulated,
}

impl Machines {
    /// What the scenarios' program calls it.
    fn lab(self) -> &'static str {
        match self {
            Self::Everything => "machine",
            Self::Rest => "rest",
            Self::Emulated => "emulated",
        }
    }

    /// Scenarios of machines of their own, where there are many: they are half of the time.
    fn elsewhere(self) -> &'static [&'static str] {
        if self == Self::Emulated { &[] } else { &["packages::", "faults::", "install::"] }
    }
}

fn windows_steps() -> Steps {
    let mut steps = Steps::default();
    steps.step("what building for Windows needs", windows::prepare);
    steps.step("lints for Windows", windows::clippy);
    steps.step("build for Windows", || windows::build(Profile::Debug).map(drop));
    steps.step("unit tests under Wine", windows::unit_tests);
    steps.step("scenarios under Wine", wine);
    steps
}

fn wine() -> Result<()> {
    infiniservice_lab::packages::ensure(infiniservice_lab::packages::WINE)?;
    test_programs::run("wine", |tests| {
        tests.arg("--nocapture").env("INFINISERVICE_WINE", "1").env("RUST_BACKTRACE", "0");
    })
}

fn licences() -> Result<()> {
    if find("cargo-deny").is_none() {
        println!("    cargo-deny is missing: installing it");
        // It runs for a second: a quick build is worth more than a quick program.
        run(&mut cargo(&["install", "--locked", "--debug", "cargo-deny"]))?;
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

/// The scenarios that `pick` names, of those that this lab (`namespace`, `usermode`, `emulated`…) runs.
fn scenarios(lab: &str, pick: &[&str]) -> Result<()> {
    infiniservice_lab::packages::ensure(infiniservice_lab::packages::LAB)?;
    test_programs::run("machine", |tests| {
        tests.args(["--test-threads=1", "--nocapture"]).args(pick);
        // What users get, not what was built for tests.
        for (variable, program) in
            [("INFINISERVICE_AGENT", "infiniservice"), ("INFINISERVICE_INFINICTL", "infinictl")]
        {
            if std::env::var_os(variable).is_none() {
                tests.env(variable, root().join("target/dist/linux/stage").join(program));
            }
        }
        tests.env("INFINISERVICE_LAB", lab).env("INFINISERVICE_VM", "1").env("RUST_BACKTRACE", "0");
    })
}
