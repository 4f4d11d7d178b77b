//! What a collection may cost, and where the machine's files lie.

use crate::user_names::UserNames;
use infiniservice_platform::os_detection::OsInfo;
use infiniservice_protocol::Limits;
use std::path::PathBuf;
use std::time::Duration;

/// Whatever is known to hang costs a collection a few seconds at most; what takes longer is something else.
const COLLECTION_TIMEOUT: Duration = Duration::from_secs(25);

/// Roots of the trees that are read. Tests point them at recorded trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// `/proc`.
    pub proc: PathBuf,
    /// `/sys`.
    pub sys: PathBuf,
    /// `/etc`.
    pub etc: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into(), etc: "/etc".into() }
    }
}

/// Bounds of one collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorSettings {
    /// Processes in one message.
    pub max_processes: usize,
    /// Sockets in one message.
    pub max_ports: usize,
    /// Network interfaces in one message.
    pub max_interfaces: usize,
    /// File systems in one message.
    pub max_file_systems: usize,
    /// A process's arguments are cut at this length.
    pub max_cmd_line_bytes: usize,
    /// A list that a host asks for is cut at this length on the wire.
    pub max_list_bytes: usize,
    /// How long one collection waits for all network file systems together.
    pub network_mount_timeout: Duration,
    /// How long one collection may take; then its thread is given up, and another one takes over.
    pub collection_timeout: Duration,
    /// Where the machine's files lie.
    pub roots: Roots,
    /// What is known of the operating system; detected when absent.
    pub os: Option<OsInfo>,
    /// Names of users that `/etc/passwd` does not know.
    pub user_names: UserNames,
}

impl Default for CollectorSettings {
    fn default() -> Self {
        Self {
            max_processes: 100,
            max_ports: 500,
            max_interfaces: 128,
            max_file_systems: 128,
            max_cmd_line_bytes: 4096,
            max_list_bytes: Limits::default().max_list_bytes(),
            network_mount_timeout: Duration::from_millis(500),
            collection_timeout: COLLECTION_TIMEOUT,
            roots: Roots::default(),
            os: None,
            user_names: UserNames::default(),
        }
    }
}
