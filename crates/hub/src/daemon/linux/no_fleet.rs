//! A hub that is built without the engine: it is of no fleet. Its settings say so to whoever asks for one.

use super::hub::Hub;
use crate::config;
use anyhow::Result;
use std::rc::Rc;

/// What would connect it with others.
pub(super) struct Fleet;

/// There is nothing to start.
pub(super) fn start(_hub: &Rc<Hub>) -> Result<Option<Fleet>> {
    Ok(None)
}

impl Fleet {
    /// There is nothing to end.
    pub(super) fn end(self) {}
}

/// There is nothing to check.
pub(super) fn check(_fleet: &config::Fleet) -> Result<(), String> {
    Ok(())
}
