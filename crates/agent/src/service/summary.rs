//! The last words in the log: what this run of the agent did.

use infiniservice_protocol::metrics::Collection;

/// Counts of the service itself; the link and the executor keep their own.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Collections that ended.
    pub collections: u64,
    /// Collectors that failed, summed over all collections; warming up is no failure.
    pub failed_collectors: u64,
    /// Configurations read again.
    pub reloads: u64,
}

impl Counts {
    /// Takes note of a collection.
    pub fn collected(&mut self, collection: &Collection) {
        self.collections += 1;
        let failed = collection.failed.iter().filter(|f| f.error != "warming_up").count();
        self.failed_collectors += failed as u64;
    }
}
