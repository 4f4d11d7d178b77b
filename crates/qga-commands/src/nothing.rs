//! A system on which nothing is carried out so far.

use crate::{Happened, Settings};
use infiniservice_exec::Runner;
use infiniservice_qga::table::Platform;
use infiniservice_qga::{Error, Reply, Request};
use std::future::{Ready, ready};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// Whether the port is served here.
pub const IS_SERVED: bool = false;
/// Whether a port that cannot be opened is known to be another program's.
pub const HOLDERS_ARE_KNOWN: bool = true;
/// Of some system that is served.
pub const PLATFORM: Platform = Platform::Linux;

/// What commands share.
#[derive(Debug)]
pub struct Context;

#[allow(clippy::unused_self, reason = "as the systems have it that do something")]
impl Context {
    /// Nothing is done yet.
    pub fn new(_settings: Settings, _runner: Arc<dyn Runner>, _tell: Sender<Happened>) -> Self {
        Self
    }

    /// Nothing is ever frozen here.
    pub fn set_settings(&self, _settings: Settings) {}

    /// Nothing is left behind by any agent.
    pub fn begin(&self) -> Ready<()> {
        ready(())
    }

    /// The same.
    pub fn end(&self) -> Ready<()> {
        ready(())
    }
}

/// Nothing is ever frozen here.
pub fn close_gate_if_frozen() {}

/// The same.
pub fn recover() {}

/// The program that is there to serve the port.
pub fn rival() -> Option<PathBuf> {
    None
}

/// No file narrows anything.
pub fn configurations() -> Vec<PathBuf> {
    Vec::new()
}

pub fn run(_request: Request, _context: &Context) -> Ready<Result<Reply, Error>> {
    ready(Err(Error::generic("not on this system")))
}
