//! Where scenarios run: in an emulated machine, on a kernel in user mode, or in namespaces of this kernel.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::exec::{Exec, ExecOutput};
use crate::machine::migration::Migrated;
use crate::machine::options::AGENT_PORT;
use crate::{BootOptions, Machine, Namespace, UserMode};

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// QEMU, with a kernel and a virtio port of its own.
    Machine,
    /// A kernel of its own in user mode, with a virtio port.
    UserMode,
    /// Namespaces, at native speed.
    Namespace,
}

/// A booted Debian system with the agent's port.
#[derive(Debug)]
pub enum System {
    /// In QEMU.
    Machine(Box<Machine>),
    /// On a kernel in user mode.
    UserMode(Box<UserMode>),
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
            Kind::UserMode => Ok(Self::UserMode(UserMode::boot(Some(payload))?.into())),
            Kind::Namespace => Ok(Self::Namespace(Namespace::boot(Some(payload))?.into())),
        }
    }

    /// Which of them it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Machine(_) => Kind::Machine,
            Self::UserMode(_) => Kind::UserMode,
            Self::Namespace(_) => Kind::Namespace,
        }
    }

    /// The host's end of the agent's port.
    pub fn agent_socket(&self) -> PathBuf {
        match self {
            Self::Machine(machine) => machine.agent_socket(),
            Self::UserMode(system) => system.agent_socket(),
            Self::Namespace(system) => system.agent_socket(),
        }
    }

    /// Runs a program to its end. Several may be under way at a time.
    pub fn run(&self, exec: &Exec) -> Result<ExecOutput> {
        match self {
            Self::Machine(machine) => machine.run(exec),
            Self::UserMode(system) => system.run(exec),
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
            Self::UserMode(system) => system.write_file(path, contents),
            Self::Namespace(system) => system.write_file(path, contents),
        }
    }

    /// The last lines of its console.
    pub fn console_tail(&self, lines: usize) -> String {
        match self {
            Self::Machine(machine) => machine.console_tail(lines),
            Self::UserMode(system) => system.console_tail(lines),
            Self::Namespace(system) => system.console_tail(lines),
        }
    }

    /// Ends it; what was written in it is gone.
    pub fn stop(self) {
        match self {
            Self::Machine(machine) => machine.stop(),
            Self::UserMode(system) => system.stop(),
            Self::Namespace(system) => system.stop(),
        }
    }

    /// The emulated machine, for what only that can do.
    pub fn machine(&self) -> Result<&Machine> {
        match self {
            Self::Machine(machine) => Ok(machine),
            Self::UserMode(_) | Self::Namespace(_) => bail!("this scenario needs an emulated machine"),
        }
    }

    /// See [`Machine::qmp`].
    pub fn qmp(&self, command: &str, arguments: &Value) -> Result<Value> {
        self.machine()?.qmp(command, arguments)
    }

    /// See [`Namespace::plug_guest_agent_port`]; the others have that port from the beginning, as the lab's own way in.
    pub fn plug_guest_agent_port(&mut self) -> Result<PathBuf> {
        match self {
            Self::Namespace(system) => system.plug_guest_agent_port(),
            Self::Machine(_) | Self::UserMode(_) => bail!("this scenario needs a system in namespaces"),
        }
    }

    /// Pulls the agent's port out of it.
    pub fn unplug_agent_port(&self) -> Result<()> {
        match self {
            Self::UserMode(system) => system.unplug_agent_port(),
            other => other.machine()?.unplug_agent_port(),
        }
    }

    /// Puts the agent's port back, under its own name.
    pub fn replug_agent_port(&self) -> Result<()> {
        self.plug_agent_port(AGENT_PORT)
    }

    /// Puts the agent's port back, under this name.
    pub fn plug_agent_port(&self, name: &str) -> Result<()> {
        match self {
            Self::UserMode(system) => system.plug_agent_port(name),
            other => other.machine()?.plug_agent_port(name),
        }
    }

    /// Has it stand still.
    pub fn pause(&self) -> Result<()> {
        match self {
            Self::UserMode(system) => system.pause(),
            other => other.qmp("stop", &json!({})).map(drop),
        }
    }

    /// Has it go on.
    pub fn go_on(&self) -> Result<()> {
        match self {
            Self::UserMode(system) => system.go_on(),
            other => other.qmp("cont", &json!({})).map(drop),
        }
    }

    /// Has it shut down in order and start again.
    pub fn reboot(&self) -> Result<()> {
        match self {
            Self::UserMode(system) => system.reboot(),
            other => other.machine()?.reboot(),
        }
    }

    /// The same, where `begin` has it do so.
    pub fn rebooted_by(&self, begin: impl FnOnce() -> Result<()>) -> Result<()> {
        match self {
            Self::UserMode(system) => system.rebooted_by(begin),
            other => other.machine()?.rebooted_by(begin),
        }
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
