//! A booted machine with the agent installed in it as in production, and the host's end of its port.

use crate::binary;
use crate::harness::{Environment, Scenario};
use crate::messages::{self, TIMEOUT};
use anyhow::{Context, Result, bail, ensure};
use infinictl::client::{Client, Endpoint, Subscription};
use infiniservice_lab::{Kind, Namespace, System, UserMode, payload};
use infiniservice_protocol::{Action, GuestMessage, Response};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How long the answer to one ping is waited for, where it may be that nobody heard it.
const PING: Duration = Duration::from_secs(5);

/// The machine and a runtime for the client's tasks.
pub struct Guest {
    /// The machine.
    pub machine: System,
    runtime: Runtime,
}

impl Guest {
    /// Boots, and installs the agent with `packaging/install-linux.sh` from a disk, as an operator does.
    pub fn boot() -> Result<Self> {
        Self::boot_as(kind()?)
    }

    /// A second machine, in namespaces, for what a scenario does not give back.
    pub fn apart() -> Result<Self> {
        Self::boot_as(Kind::Namespace)
    }

    fn boot_as(kind: Kind) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        payload::fill(directory.path(), &binary::agent()?, &binary::workspace().join("packaging"))?;
        payload::add(directory.path(), &binary::packages()?)?;
        let guest = Self::of(System::boot(kind, directory.path())?)?;
        guest.sh("/mnt/payload/install-linux.sh --vm-id lab-1")?;
        Ok(guest)
    }

    /// Around a machine that has booted, whatever is installed in it.
    pub fn of(machine: System) -> Result<Self> {
        // One worker, so that the client answers heartbeats while a scenario waits for the guest's shell.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { machine, runtime })
    }

    /// The machine alone.
    pub fn into_machine(self) -> System {
        self.machine
    }

    /// Runs a future to its end.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Connects as a host.
    pub fn connect(&self) -> Result<Client> {
        Ok(self.wait(Client::connect(Endpoint::Channel(self.machine.agent_socket())))?)
    }

    /// Asks until an agent answers: what a host says between the start of an agent and the moment when it has opened its port is
    /// nobody's, and gets no answer.
    pub fn until_served(&self, client: &Client) -> Result<()> {
        self.until("an answer to a ping", |guest| Ok(guest.wait(client.ping(PING)).is_ok()))
    }

    /// Disconnects in order.
    pub fn disconnect(&self, client: Client) {
        self.wait(client.close());
    }

    /// Runs a script in the guest that has to succeed; its standard output without white space at its ends.
    pub fn sh(&self, script: &str) -> Result<String> {
        let output = self.machine.shell(script)?.expect_success()?;
        Ok(output.trim().to_owned())
    }

    /// Sends an action and waits for its answer.
    pub fn request(&self, client: &Client, action: &Action) -> Result<Response> {
        Ok(self.wait(client.request(action, TIMEOUT))?)
    }

    /// The same, where success is expected.
    pub fn succeed(&self, client: &Client, action: &Action) -> Result<Response> {
        let response = self.request(client, action)?;
        ensure!(response.success, "{action:?} failed: {response:?}");
        Ok(response)
    }

    /// Waits for a message that `wanted` picks.
    pub fn message<T>(
        &self,
        subscription: &mut Subscription,
        what: &str,
        wanted: impl Fn(&GuestMessage) -> Option<T>,
    ) -> Result<T> {
        self.wait(messages::first(subscription, what, wanted))
    }

    /// The agent's main process, once systemd calls it running.
    pub fn agent_pid(&self) -> Result<u32> {
        self.sh("systemctl show -p MainPID --value infiniservice")?.parse().context("MainPID")
    }

    /// Asks the guest until `done` says so; the guest answers slowly enough that this does not spin.
    pub fn until(&self, what: &str, done: impl Fn(&Self) -> Result<bool>) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < TIMEOUT {
            if done(self)? {
                return Ok(());
            }
        }
        bail!("{what}: not within {TIMEOUT:?}")
    }

    /// The agent's log since the machine booted.
    pub fn log(&self) -> Result<String> {
        self.sh("journalctl -b -u infiniservice -o cat --no-pager")
    }
}

/// What a scenario needs of the system that it runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing that namespaces have not.
    Nothing,
    /// A kernel and a port of its own.
    Kernel,
    /// An emulated machine.
    Emulation,
}

/// Names the kind of system, and with it the scenarios. In an emulated machine: `machine` (all of them), `rest` (those that
/// namespaces cannot run), `emulated` (those that need it). On a kernel in user mode: `usermode` (those that need a kernel
/// and no more). In namespaces: `namespace` (all others).
pub const LAB_VARIABLE: &str = "INFINISERVICE_LAB";

/// The scenarios that the environment asks for, by what each `needs`.
pub fn picked(scenarios: &[Scenario], needs: impl Fn(&str) -> Needs) -> Vec<Scenario> {
    let asked = std::env::var(LAB_VARIABLE).unwrap_or_default();
    scenarios.iter().copied().filter(|(name, _)| is_picked(&asked, needs(name))).collect()
}

fn is_picked(lab: &str, needs: Needs) -> bool {
    match lab {
        "namespace" => needs == Needs::Nothing,
        "usermode" => needs == Needs::Kernel,
        "emulated" => needs == Needs::Emulation,
        "rest" => needs != Needs::Nothing,
        _ => true,
    }
}

fn kind() -> Result<Kind> {
    let unless = |obstacle: Option<String>, kind| match obstacle {
        None => Ok(kind),
        Some(obstacle) => bail!("{LAB_VARIABLE}: no {kind:?} here: {obstacle}"),
    };
    match std::env::var(LAB_VARIABLE).as_deref() {
        Ok("namespace") => unless(Namespace::obstacle().map(str::to_owned), Kind::Namespace),
        Ok("usermode") => unless(UserMode::obstacle(), Kind::UserMode),
        Ok("machine" | "rest" | "emulated") | Err(_) => Ok(Kind::Machine),
        Ok(other) => bail!(
            "{LAB_VARIABLE} must be `namespace`, `usermode`, `emulated`, `rest` or `machine`, not `{other}`"
        ),
    }
}

impl Environment for Guest {
    const VARIABLE: &'static str = "INFINISERVICE_VM";
    const NEEDS: &'static str = "boot a virtual machine";

    fn set_up() -> Result<Self> {
        Self::boot()
    }

    fn agent_log(&self) -> Result<String> {
        self.log()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scenario_is_picked_once_by_the_three_kinds_and_by_all_together() {
        for needs in [Needs::Nothing, Needs::Kernel, Needs::Emulation] {
            let labs = ["namespace", "usermode", "emulated"];
            assert_eq!(labs.iter().filter(|lab| is_picked(lab, needs)).count(), 1, "{needs:?}");
            assert!(is_picked("machine", needs));
            assert_eq!(is_picked("rest", needs), !is_picked("namespace", needs));
        }
    }
}
