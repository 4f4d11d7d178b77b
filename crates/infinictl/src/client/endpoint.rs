//! Where the guest's end of the wire is.

use super::wire::{CHANNEL, Master};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How to reach a guest.
#[derive(Debug)]
pub enum Endpoint {
    /// QEMU's or libvirt's character device: its Unix socket, or on Windows its named pipe.
    Channel(PathBuf),
    /// An agent of our own, started on a new pseudo-terminal and ended with the client.
    Local(LocalAgent),
    /// The master of a pseudo-terminal whose slave somebody holds open in raw mode; on Windows a pipe's server end.
    Pty(Master),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(path) => write!(f, "{CHANNEL} {}", path.display()),
            Self::Local(_) => f.write_str("a local agent"),
            Self::Pty(_) => f.write_str("a pseudo-terminal"),
        }
    }
}

/// The agent that [`Endpoint::Local`] starts: `AGENT --console --device PTY --config CONFIG ARGS…`, in an
/// environment of nothing but what every program needs (`LC_ALL`; on Windows `SystemRoot` and the like) and `env`.
#[derive(Clone, Debug)]
pub struct LocalAgent {
    /// The program; when absent `infiniservice` beside this program, or one directory above it.
    pub agent: Option<PathBuf>,
    /// Its configuration file; when absent an empty one, so that this machine's own does not count.
    pub config: Option<PathBuf>,
    /// Further arguments.
    pub args: Vec<OsString>,
    /// Its environment.
    pub env: Vec<(OsString, OsString)>,
    /// Where its log goes.
    pub log: AgentLog,
    /// How long to wait for its first byte; then it is spoken to all the same.
    pub start_timeout: Duration,
}

impl Default for LocalAgent {
    fn default() -> Self {
        Self {
            agent: None,
            config: None,
            args: Vec::new(),
            env: Vec::new(),
            log: AgentLog::Tail,
            start_timeout: Duration::from_secs(5),
        }
    }
}

/// Where a local agent's standard error goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AgentLog {
    /// Only the end of it is kept, for the sentence that says why the agent ended.
    #[default]
    Tail,
    /// To our own standard error.
    Inherit,
    /// Appended to a file.
    File(PathBuf),
}
