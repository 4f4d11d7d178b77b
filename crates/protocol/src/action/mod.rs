//! The safe commands' actions and their parameters, typed. The actions themselves are the rows of `table.rs`.
//!
//! [`Action::parse`] checks what holds on every platform. The alphabets of unit and package names differ from system
//! to system and are checked by the agent, on top of what is refused here.

mod account;
mod choices;
mod parameter;
mod table;
#[cfg(test)]
mod tests;

pub use account::{MAX_COMPUTER_CHARS, MAX_DOMAIN_CHARS, MAX_PASSWORD_CHARS, Password};
pub use choices::{CleanupLevel, LogPriority, ProcessSort, ScanType, ScriptShell, ServiceOperation};
pub use parameter::{
    DEFAULT_LOG_LINES, MAX_DAYS, MAX_HITS, MAX_LIMIT, MAX_LIST, MAX_LOG_LINES, MAX_NAME_CHARS, MAX_PID,
    MAX_SCRIPT_BYTES, MAX_SCRIPT_SECS, ParamError, SCRIPT_SECS, SERVICE_STATES,
};
pub use table::{Action, ActionName};

use std::fmt;

/// `command_type` of an `UnsafeCommand`'s response.
pub const UNSAFE_COMMAND: &str = "UnsafeCommand";

/// Timeout of an `UnsafeCommand` that names none, in seconds.
pub const UNSAFE_COMMAND_TIMEOUT_SECS: u64 = 120;

/// What holds for an action whatever its parameters: its row of the table.
#[derive(Debug)]
pub struct Facts {
    /// As on the wire.
    pub name: &'static str,
    /// How long it may run when the command names no timeout, in seconds.
    pub default_timeout_secs: u64,
    /// What it does to the machine.
    pub effect: Effect,
    /// With which parameters the effect is another, in words.
    pub exception: Option<&'static str>,
    /// Where it exists; elsewhere it answers `UNSUPPORTED`.
    pub platforms: Platforms,
    /// What does the same on the other platform.
    pub counterpart: Option<ActionName>,
    /// In the order in which they are read.
    pub parameters: &'static [Parameter],
}

/// A parameter's place in the contract.
#[derive(Debug)]
pub struct Parameter {
    /// As on the wire.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
}

/// What an action does to the machine, and so what may run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: equal ones in flight share one execution.
    Reads,
    /// It changes something.
    Changes,
    /// It changes what is installed: such commands run one at a time.
    ChangesPackages,
    /// It ends the machine's run: such commands wait for package work that the agent began.
    EndsTheMachine,
}

/// Where an action exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platforms {
    /// On both.
    All,
    /// On Linux only.
    Linux,
    /// On Windows only.
    Windows,
}

impl Platforms {
    /// Whether `platform`, spelt as in `hello` (`linux`, `windows`), is one of them.
    pub fn include(self, platform: &str) -> bool {
        match self {
            Self::All => true,
            Self::Linux => platform == "linux",
            Self::Windows => platform == "windows",
        }
    }
}

impl ActionName {
    /// The name as it stands on the wire.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The action of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// How long it may run when the command names no timeout, in seconds.
    pub const fn default_timeout_secs(self) -> u64 {
        self.facts().default_timeout_secs
    }

    /// Whether it only tells: equal ones in flight share one execution.
    pub const fn is_read_only(self) -> bool {
        matches!(self.facts().effect, Effect::Reads)
    }

    /// Whether it changes what is installed: such commands run one at a time.
    pub const fn changes_packages(self) -> bool {
        matches!(self.facts().effect, Effect::ChangesPackages)
    }

    /// Whether it ends the machine's run: such commands wait for package work that the agent began.
    pub const fn ends_the_machine(self) -> bool {
        matches!(self.facts().effect, Effect::EndsTheMachine)
    }

    /// Where it exists; elsewhere it answers `UNSUPPORTED`.
    pub const fn platforms(self) -> Platforms {
        self.facts().platforms
    }

    /// What does the same on the other platform.
    pub const fn counterpart(self) -> Option<Self> {
        self.facts().counterpart
    }
}

impl fmt::Display for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
