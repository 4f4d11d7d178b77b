//! What `/proc/PID/stat` tells of a process that is about to be ended (`proc_pid_stat(5)`).

use infiniservice_platform::linux::procfs;

/// The few fields that decide whether a process may be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// As the kernel has it, at most 15 bytes.
    pub(super) name: String,
    /// `R`, `S`, `D`, `T`, `Z`, …
    pub(super) state: u8,
    /// Runs inside the kernel; signals do nothing to it.
    pub(super) kernel_thread: bool,
}

impl Stat {
    /// A process that cannot be looked at; `comm` is its name as the kernel gives it.
    pub(super) fn unseen(comm: &[u8]) -> Self {
        let name = String::from_utf8_lossy(comm.trim_ascii_end()).into_owned();
        Self { name, state: b'?', kernel_thread: false }
    }

    /// Ended, and only kept until its parent asks for its exit status.
    pub(super) fn ended(&self) -> bool {
        procfs::is_zombie(self.state)
    }
}

impl From<procfs::Stat<'_>> for Stat {
    fn from(stat: procfs::Stat<'_>) -> Self {
        let name = String::from_utf8_lossy(stat.name).into_owned();
        Self { name, state: stat.state, kernel_thread: stat.is_kernel }
    }
}
