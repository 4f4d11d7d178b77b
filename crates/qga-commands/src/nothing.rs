//! A system on which nothing is carried out so far.

use infiniservice_qga::{Error, Reply, Request};
use std::future::{Ready, ready};
use std::path::PathBuf;

/// Whether the port is served here.
pub const IS_SERVED: bool = false;
/// Commands that cannot be carried out here.
pub const ABSENT: &[&str] = &[];

/// What commands share.
#[derive(Debug, Default)]
pub struct Context;

/// The program that is there to serve the port.
pub fn rival() -> Option<PathBuf> {
    None
}

pub fn run(_request: Request, _context: &Context) -> Ready<Result<Reply, Error>> {
    ready(Err(Error::generic("not on this system")))
}
