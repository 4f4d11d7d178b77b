//! `cargo xtask test`: everything that continuous integration checks.

use crate::beside::Beside;
use crate::dist::site::Site;
use crate::dist::{linux, tools};
use crate::fleet;
use crate::steps::{Steps, cargo, run};
use crate::test_programs;
use crate::windows;
use anyhow::Result;
use clap::Args;
use infiniservice_lab::image::recipe::RELEASE_VARIABLE;
use infiniservice_lab::{Namespace, UserMode, libvirt, packages, pypi};
use std::process::Command;

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
    /// Run this share of the systems, such as 1/2.
    #[arg(long, hide = true, value_name = "SHARE", conflicts_with_all = ["fast", "windows"])]
    beside: Option<String>,
}

/// Of the systems that run at the same time. One would leave a processor idle: its scenarios wait more than they compute.
const SHARES: [&str; 2] = ["1/2", "2/2"];
/// Other releases of Debian than the host's, each in the share that runs it.
const RELEASES: [(&str, &str, &str); 2] = [
    ("1/2", "bullseye", "packages, services and inventory of Debian 11"),
    ("2/2", "trixie", "packages, services and inventory of Debian 13"),
];
/// How the scenarios' program is told.
const SHARE_VARIABLE: &str = "INFINISERVICE_LAB_SHARE";

impl Test {
    /// Runs every step, then tells which failed.
    pub fn run(&self) -> Result<()> {
        if self.windows {
            return windows_steps().finish();
        }
        match self.beside.as_deref() {
            None => {}
            Some(VIRSH) => return virsh_steps().finish(),
            Some(FLEET) => return fleet_steps().finish(),
            Some(DOCUMENTATION) => return documentation_steps().finish(),
            Some(share) => return self.systems(share).finish(),
        }
        // First what it installs, so that nothing waits for the package manager's lock.
        let machines = (!self.fast).then(|| self.machines());
        // Neither shares anything with the rest, and each leaves a processor idle at times.
        let windows = machines.map(|_| Beside::start("windows", &["test", "--windows"]));
        let mut steps = Steps::default();
        steps.step("format", || run(&mut cargo(&["fmt", "--all", "--check"])));
        steps.step("lints and build of the tests", lints_and_build);
        let systems = machines.map(|_| {
            steps.step("release for Linux: static programs, archive, packages, SBOM", linux::run_for_tests);
            SHARES.map(|share| (share, self.systems_beside(share)))
        });
        // It waits for minutes of frozen disks, and computes little.
        let virsh = machines.map(|_| Beside::start(VIRSH, &["test", "--beside", VIRSH]));
        let fleet = machines.map(|_| Beside::start(FLEET, &["test", "--beside", FLEET]));
        steps.step("tests", tests);
        steps.step("licences, bans and sources of dependencies", licences);
        steps.step("the guest's dependencies are the guest's alone", guest_dependencies);
        // The emulated machine computes with one processor; what is left of the other is enough for the documentation.
        let behind = (machines == Some(Machines::Emulated))
            .then(|| Beside::behind(DOCUMENTATION, &["test", "--beside", DOCUMENTATION]));
        match machines {
            None => println!("\n==> machines and Windows\n    left out: --fast was given"),
            Some(Machines::Emulated) => steps.step(EMULATED, || scenarios("emulated", None)),
            Some(Machines::Rest | Machines::Everything) => {}
        }
        match behind {
            Some(behind) => steps.step("documentation (begun with the machine)", || behind?.finish()),
            None => steps.step(DOCUMENTATION, documentation),
        }
        for (share, beside) in systems.into_iter().flatten() {
            steps.step(&format!("systems beside, {share} (begun after the build)"), || beside?.finish());
        }
        if let Some(virsh) = virsh {
            steps.step("virsh (begun after the build)", || virsh?.finish());
        }
        if let Some(fleet) = fleet {
            steps.step("infinihub with 2,000 guests (begun after the build)", || fleet?.finish());
        }
        if let Some(windows) = windows {
            steps.step("Windows (begun first)", || windows?.finish());
        }
        steps.finish()
    }

    fn systems_beside(&self, share: &str) -> Result<Beside> {
        let mut arguments = vec!["test", "--beside", share];
        arguments.extend(self.all_in_machines.then_some("--all-in-machines"));
        Beside::start(&format!("systems-{}", &share[..1]), &arguments)
    }

    fn systems(&self, share: &str) -> Steps {
        let mut steps = Steps::default();
        for &(lab, title) in self.machines().shared() {
            steps.step(title, || scenarios(lab, Some(share)));
        }
        let releases = RELEASES.iter().filter(|(of, ..)| self.all_in_machines && *of == share);
        for &(_, release, title) in releases {
            steps.step(title, || on_release(release));
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
    /// What runs in shares: each kind of system by the name that the scenarios' program has for it, and a step's.
    fn shared(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Everything => &[("machine", EMULATED)],
            Self::Rest => &[("rest", EMULATED), NAMESPACES],
            Self::Emulated => &[("usermode", "the system on a kernel in user mode"), NAMESPACES],
        }
    }
}

const EMULATED: &str = "the virtual machine";
const NAMESPACES: (&str, &str) = ("namespace", "the system in namespaces");

/// What runs beside in the place of a share: `--beside virsh`.
const VIRSH: &str = "virsh";

/// The same for the hub with many guests, which waits for most of its minute: `--beside fleet`.
const FLEET: &str = "fleet";

fn fleet_steps() -> Steps {
    let mut steps = Steps::default();
    steps.step("infinihub with 2,000 guests: churn, torn lines, floods, and some that hang", fleet::tested);
    steps
}

/// The same for the documentation.
const DOCUMENTATION: &str = "documentation";

fn documentation_steps() -> Steps {
    let mut steps = Steps::default();
    steps.step(DOCUMENTATION, documentation);
    steps
}

fn virsh_steps() -> Steps {
    let mut steps = Steps::default();
    steps.step("virsh, with the host's libvirt", virsh);
    steps
}

fn windows_steps() -> Steps {
    let mut steps = Steps::default();
    steps.step("what building for Windows needs", windows::prepare);
    steps.step("lints and build for Windows", windows::build_and_lint);
    steps.step("unit tests under Wine", windows::unit_tests);
    steps.step("scenarios under Wine", wine);
    steps
}

fn wine() -> Result<()> {
    packages::ensure(packages::WINE)?;
    test_programs::run("wine", |tests| {
        tests.arg("--nocapture").env("INFINISERVICE_WINE", "1").env("RUST_BACKTRACE", "0");
    })
}

/// Examples and test programs with all that they are made of: every target that there is.
fn lints_and_build() -> Result<()> {
    run(test_programs::of_workspace().arg("--no-run"))
}

fn tests() -> Result<()> {
    // With the real qemu-ga beside, the agent's answers are compared with its own.
    if let Err(error) = packages::ensure(packages::QEMU_GA) {
        println!("    left out, the comparison with qemu-ga: {error:#}");
    }
    if let Err(error) = packages::ensure(packages::PROMETHEUS) {
        println!("    left out, alerts and dashboards in the real Prometheus and Alertmanager: {error:#}");
    }
    if let Err(error) = pypi::ROTEL.ensure() {
        println!("    left out, OTLP to a real collector: {error:#}");
    }
    if let Err(error) = packages::ensure(packages::FAULTS) {
        println!("    left out, a host without a network and a slow disk: {error:#}");
    }
    // Fleets are tested over the real server or not at all: their tests would fail.
    pypi::NATS_SERVER.ensure()?;
    // The host's page is tested in a browser or not at all: its tests would fail.
    packages::ensure(packages::BROWSER)?;
    // A failure is one paragraph, not a page: the log of a run is read from its end.
    let mut tests = test_programs::of_workspace();
    tests.arg("--no-fail-fast");
    tests.env_remove("INFINISERVICE_VM").env_remove("INFINISERVICE_WINE");
    run(tests.env("RUST_BACKTRACE", "0"))
}

fn licences() -> Result<()> {
    tools::ensure("cargo-deny")?;
    run(&mut cargo(&["deny", "--log-level", "error", "check", "licenses", "bans", "sources"]))
}

/// What only the host needs must never be linked into a guest.
fn guest_dependencies() -> Result<()> {
    let tree = cargo(&["tree", "-p", "infiniservice", "-e", "normal", "--prefix", "none"]).output()?;
    let tree = String::from_utf8_lossy(&tree.stdout);
    for host_only in ["ratatui", "comfy-table", "indicatif", "async-nats", "infiniservice-fleet"] {
        let found = tree.lines().any(|line| line.split(' ').next() == Some(host_only));
        anyhow::ensure!(!found, "infiniservice links {host_only}, which belongs to the host");
    }
    println!("    {} crates", tree.lines().collect::<std::collections::BTreeSet<_>>().len());
    Ok(())
}

fn documentation() -> Result<()> {
    run(cargo(&["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The scenarios that this lab (`namespace`, `usermode`, `emulated`…) runs, or this share of them.
fn scenarios(lab: &str, share: Option<&str>) -> Result<()> {
    run_scenarios(lab, |tests| {
        tests.envs(share.map(|share| (SHARE_VARIABLE, share)));
    })
}

/// Those that depend on a release of Debian's own programs.
fn on_release(release: &str) -> Result<()> {
    if let Some(obstacle) = Namespace::obstacle() {
        println!("    left out, as it runs in namespaces only: {obstacle}");
        return Ok(());
    }
    run_scenarios("namespace", |tests| {
        tests.env(RELEASE_VARIABLE, release);
    })
}

/// What libvirt does by the QEMU guest agent's protocol, with a guest that starts in seconds as it has no systemd.
fn virsh() -> Result<()> {
    if let Some(obstacle) = libvirt::obstacle() {
        println!("    left out: {obstacle}");
        return Ok(());
    }
    packages::ensure(packages::LIBVIRT)?;
    let agent = Site::of_tests()?.stage().join("infiniservice");
    test_programs::run("virsh", |tests| {
        tests.arg("--nocapture").env("INFINISERVICE_VIRSH", "quick").env("RUST_BACKTRACE", "0");
        if std::env::var_os("INFINISERVICE_AGENT").is_none() {
            tests.env("INFINISERVICE_AGENT", &agent);
        }
    })
}

fn run_scenarios(lab: &str, set_up: impl Fn(&mut Command)) -> Result<()> {
    packages::ensure(packages::LAB)?;
    let site = Site::of_tests()?;
    test_programs::run("machine", |tests| {
        tests.args(["--test-threads=1", "--nocapture"]);
        // Static and optimised as users get them, not what was built for unit tests.
        for (variable, program) in
            [("INFINISERVICE_AGENT", "infiniservice"), ("INFINISERVICE_INFINICTL", "infinictl")]
        {
            if std::env::var_os(variable).is_none() {
                tests.env(variable, site.stage().join(program));
            }
        }
        tests.env("INFINISERVICE_LAB", lab).env("INFINISERVICE_VM", "1").env("RUST_BACKTRACE", "0");
        set_up(tests);
    })
}
