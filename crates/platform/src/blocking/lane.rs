//! Kinds of calls, each with places of its own.

/// What a thread is out for. The number of places bounds the threads of a kind, those that hang included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// `/proc/PID/stat` of all processes.
    ProcessTable,
    /// Other files of processes in `/proc`.
    Processes,
    /// Space on file systems.
    FileSystems,
    /// Files and directories that the system's configuration or a message names.
    Files,
    /// What Autochecks reads.
    Checks,
    /// Starting programs, in directories that a host names.
    Starts,
    /// Long walks with a deadline of their own: clean-up, inventory.
    Walks,
    /// Calls of a service manager or of a library that have no deadline.
    Managers,
    /// The collector's own thread, one for each collector; of those that hang few are replaced.
    Collector,
    /// What tests fill.
    #[cfg(test)]
    Trial,
    /// What the test of a crowd fills.
    #[cfg(test)]
    Crowd,
}

/// Reading files needs little stack.
const SMALL_STACK_BYTES: usize = 256 * 1024;
/// What runs libraries or walks deep trees gets what threads get as a rule.
const STACK_BYTES: usize = 2 * 1024 * 1024;

impl Lane {
    /// How many threads may be out at one time.
    pub const fn places(self) -> usize {
        match self {
            #[cfg(test)]
            Self::Trial | Self::Crowd => 16,
            Self::Managers | Self::Walks => 16,
            Self::FileSystems | Self::Files | Self::Starts => 32,
            Self::ProcessTable | Self::Processes | Self::Checks | Self::Collector => 64,
        }
    }

    /// Whether its threads have a table of descriptors of their own.
    pub const fn has_own_table(self) -> bool {
        matches!(self, Self::ProcessTable | Self::Processes | Self::FileSystems | Self::Files)
    }

    pub(super) const fn thread_name(self) -> &'static str {
        match self {
            Self::ProcessTable => "process-table",
            Self::Processes => "processes",
            Self::FileSystems => "file-systems",
            Self::Files => "files",
            Self::Checks => "checks",
            Self::Starts => "starts",
            Self::Walks => "walks",
            Self::Managers => "managers",
            Self::Collector => "collector",
            #[cfg(test)]
            Self::Trial | Self::Crowd => "trial",
        }
    }

    pub(super) const fn stack_bytes(self) -> usize {
        match self {
            Self::ProcessTable | Self::Processes | Self::FileSystems | Self::Files | Self::Checks => {
                SMALL_STACK_BYTES
            }
            Self::Starts | Self::Walks | Self::Managers | Self::Collector => STACK_BYTES,
            #[cfg(test)]
            Self::Trial | Self::Crowd => SMALL_STACK_BYTES,
        }
    }
}
