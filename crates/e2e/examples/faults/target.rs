//! The agent that is tried: on a pty of this machine, or in the virtual machine.

use anyhow::Result;
use infiniservice_e2e::local::{Held, LocalAgent};
use infiniservice_e2e::raw::RawHost;
use infiniservice_e2e::{Guest, binary, cost};
use std::time::Duration;

/// How long nothing may come while answers are missing.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// A running agent.
pub enum Target {
    Pty(LocalAgent),
    Machine(Box<Guest>),
}

impl Target {
    /// Starts one with these settings (the machine's keeps its own), and a host that was answered once.
    pub fn start(machine: bool, settings: &str) -> Result<(Self, RawHost)> {
        let (target, mut host) = if machine {
            let guest = Guest::boot()?;
            let host = RawHost::connect(&guest.machine.agent_socket(), "soak-")?;
            (Self::Machine(Box::new(guest)), host)
        } else {
            let (agent, master) = LocalAgent::start(&binary::agent()?, settings, &[])?;
            (Self::Pty(agent), RawHost::new(master, "soak-")?)
        };
        host.ping();
        host.settle(TIMEOUT)?;
        Ok((target, host))
    }

    /// What it holds now; an error when it has ended.
    pub fn held(&mut self) -> Result<Held> {
        match self {
            Self::Pty(agent) => agent.held(),
            Self::Machine(guest) => {
                let cost = cost::of_agent(guest)?;
                let cost::Cost { rss_kb, threads, descriptors, .. } = cost;
                Ok(Held { rss_kb, threads, descriptors })
            }
        }
    }

    /// Where it runs, for the table.
    pub fn place(&self) -> &'static str {
        match self {
            Self::Pty(_) => "a pty",
            Self::Machine(_) => "the machine",
        }
    }
}
