//! Where scenarios run: in an emulated machine, or in namespaces of this kernel.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::exec::{Exec, ExecOutput};
use crate::machine::migration::Migrated;
use crate::{BootOptions, Machine, Namespace};

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// QEMU, with a kernel and a virtio port of its own.
    Machine,
    /// Namespaces, at native speed.
    Namespace,
}

/// A booted Debian system with the agent's port.
#[derive(Debug)]
pub enum System {
    /// In QEMU.
    Machine(Box<Machine>),
    /// In namespaces.
    Namespace(Box<Namespace>),
}

impl System {
    /// Boots it, and waits until its services are up.
    pub fn boot(kind: Kind, payload: &Path) -> Result<Self> {
        match kind {
            Kind::Machine => {
                let options = BootOptions { payload: Some(payload.to_path_buf()), ..BootOptions::default() };
                Ok(Self::Machine(Machine::boot(&options)?.into()))
            }
            Kind::Namespace => Ok(Self::Namespace(Namespace::boot(Some(payload))?.into())),
        }
    }

    /// Which of them it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Machine(_) => Kind::Machine,
            Self::Namespace(_) => Kind::Namespace,
        }
    }

    /// The host's end of the agent's port.
    pub fn agent_socket(&self) -> PathBuf {
        match self {
            Self::Machine(machine) => machine.agent_socket(),
            Self::Namespace(system) => system.agent_socket(),
        }
    }

    /// Runs a program to its end. Several may be under way at a time.
    pub fn run(&self, exec: &Exec) -> Result<ExecOutput> {
        match self {
            Self::Machine(machine) => machine.run(exec),
            Self::Namespace(system) => system.run(exec),
        }
    }

    /// Runs a program by its argument vector.
    pub fn exec<S: AsRef<str>>(&self, argv: &[S]) -> Result<ExecOutput> {
        self.run(&Exec::argv(argv))
    }

    /// Runs a script of `/bin/sh`.
    pub fn shell(&self, script: &str) -> Result<ExecOutput> {
        self.run(&Exec::shell(script))
    }

    /// Writes a file, replacing what was there.
    pub fn write_file(&self, path: &str, contents: &[u8]) -> Result<()> {
        match self {
            Self::Machine(machine) => machine.write_file(path, contents),
            Self::Namespace(system) => system.write_file(path, contents),
        }
    }

    /// The last lines of its console.
    pub fn console_tail(&self, lines: usize) -> String {
        match self {
            Self::Machine(machine) => machine.console_tail(lines),
            Self::Namespace(system) => system.console_tail(lines),
        }
    }

    /// Ends it; what was written in it is gone.
    pub fn stop(self) {
        match self {
            Self::Machine(machine) => machine.stop(),
            Self::Namespace(system) => system.stop(),
        }
    }

    /// The machine, for what only one with a kernel of its own can do.
    pub fn machine(&self) -> Result<&Machine> {
        match self {
            Self::Machine(machine) => Ok(machine),
            Self::Namespace(_) => bail!("this scenario needs a machine with a kernel of its own"),
        }
    }

    /// See [`Machine::qmp`].
    pub fn qmp(&self, command: &str, arguments: &Value) -> Result<Value> {
        self.machine()?.qmp(command, arguments)
    }

    /// See [`Machine::unplug_agent_port`].
    pub fn unplug_agent_port(&self) -> Result<()> {
        self.machine()?.unplug_agent_port()
    }

    /// See [`Machine::replug_agent_port`].
    pub fn replug_agent_port(&self) -> Result<()> {
        self.machine()?.replug_agent_port()
    }

    /// See [`Machine::reset`].
    pub fn reset(&self) -> Result<()> {
        self.machine()?.reset()
    }

    /// See [`Machine::reboot`].
    pub fn reboot(&self) -> Result<()> {
        self.machine()?.reboot()
    }

    /// See [`Machine::migrate`].
    pub fn migrate(&self) -> Result<Migrated> {
        self.machine()?.migrate()
    }

    /// See [`Machine::wait_event`].
    pub fn wait_event(&self, name: &str, timeout: Duration) -> Result<Value> {
        self.machine()?.wait_event(name, timeout)
    }
}
