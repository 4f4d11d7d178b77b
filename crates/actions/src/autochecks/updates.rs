//! Who knows the pending updates.

use crate::packages::Lists;
use infiniservice_exec::{BoxFuture, Control};
use infiniservice_protocol::data::UpdateCheckData;

/// What is known without fetching new lists of packages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// By the lists that are there.
    pub updates: UpdateCheckData,
    /// Whether these are there, and how new they are.
    pub lists: Lists,
}

/// Knows the pending updates.
pub trait UpdateSource: Send + Sync {
    /// From the lists that are there, without fetching new ones; the text says why it is not known.
    fn pending<'a>(&'a self, control: &'a Control) -> BoxFuture<'a, Result<Known, String>>;
}

/// Where nobody can be asked.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub struct NotAsked;

#[cfg(test)]
impl UpdateSource for NotAsked {
    fn pending<'a>(&'a self, _: &'a Control) -> BoxFuture<'a, Result<Known, String>> {
        Box::pin(async { Err("there is no package manager".into()) })
    }
}
