//! A domain of the host's libvirt with the agent installed offline, and the host's end of its channel.

use crate::binary;
use crate::harness::Environment;
use crate::messages::TIMEOUT;
use anyhow::{Context, Result, ensure};
use infinictl::client::{Client, Endpoint};
use infiniservice_lab::libvirt::{Domain, Wanted};
use infiniservice_lab::{Exec, payload};
use std::env;
use std::fs;
use std::future::Future;
use std::process::Command;
use std::time::Duration;
use tokio::runtime::Runtime;

/// The agent's channel, and that of qemu-ga beside it.
pub const CHANNEL: &str = "org.infinibay.agent";
/// The second channel: the way in for the tests, by `virsh qemu-agent-command`.
pub const GUEST_AGENT: &str = "org.qemu.guest_agent.0";
/// How long an emulated machine may take to start or start anew on a busy host.
pub const BOOT: Duration = Duration::from_mins(5);
/// Where this is set, the tests' program is `infinictl` itself, of the same sources.
pub const AS_INFINICTL: &str = "LAB_AS_INFINICTL";

/// The domain and a runtime for the client's tasks.
pub struct Libvirt {
    /// The domain.
    pub domain: Domain,
    runtime: Runtime,
}

impl Libvirt {
    fn boot() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let packaging = binary::workspace().join("packaging");
        payload::fill(directory.path(), &binary::agent()?, &packaging)?;
        let channel = fs::read_to_string(packaging.join("libvirt-channel.xml"))?;
        let domain = Domain::start(&Wanted {
            payload: directory.path(),
            vm_id: "libvirt-1",
            channel: &channel,
            over: &[],
            kernel_arguments: "",
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let libvirt = Self { domain, runtime };
        libvirt.connected()?;
        Ok(libvirt)
    }

    /// Waits until libvirt tells that the agent has its channel open.
    pub fn connected(&self) -> Result<()> {
        self.domain.await_channel(CHANNEL, "connected", BOOT)
    }

    /// Runs a future to its end.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Connects as a host.
    pub fn connect(&self) -> Result<Client> {
        let socket = self.domain.agent_socket().to_path_buf();
        Ok(self.wait(Client::connect(Endpoint::Channel(socket)))?)
    }

    /// Asks for an answer.
    pub fn ping(&self, client: &Client) -> Result<()> {
        self.wait(client.ping(TIMEOUT)).map(drop).context("ping")
    }

    /// Runs `infinictl --socket …` as an operator does; what it printed.
    pub fn infinictl(&self, arguments: &[&str]) -> Result<String> {
        self.infinictl_by(&["--socket", &self.domain.agent_socket().to_string_lossy()], arguments)
    }

    /// The same by another way to the machine.
    pub fn infinictl_by(&self, way: &[&str], arguments: &[&str]) -> Result<String> {
        let mut infinictl = Command::new(env::current_exe()?);
        infinictl.env(AS_INFINICTL, "1").args(way).args(arguments);
        let output = infinictl.output()?;
        ensure!(output.status.success(), "infinictl {arguments:?}: {output:?}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a script in the guest that has to succeed.
    pub fn sh(&self, script: &str) -> Result<String> {
        self.domain.await_channel(GUEST_AGENT, "connected", BOOT)?;
        self.domain.run(&Exec::shell(script))?.expect_success()
    }
}

impl Environment for Libvirt {
    const VARIABLE: &'static str = "INFINISERVICE_LIBVIRT";
    const NEEDS: &'static str = "define and start a domain of the host's libvirt";
    const COMMAND: &'static str = "cargo xtask lab libvirt";

    fn set_up() -> Result<Self> {
        Self::boot()
    }

    fn agent_log(&self) -> Result<String> {
        self.sh("journalctl -b -u infiniservice -o cat --no-pager")
    }
}
