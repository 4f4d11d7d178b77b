//! Platforms without mount points.

use crate::collector::disk::mounts::Mount;
use crate::collector::disk::usage::Space;
use std::io;

/// Always an error.
pub fn space(_mount: &Mount) -> io::Result<Option<Space>> {
    Err(io::ErrorKind::Unsupported.into())
}
