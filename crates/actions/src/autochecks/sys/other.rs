//! Platforms without mount points.

use crate::autochecks::Machine;
use infiniservice_collector::disk::Space;
use infiniservice_platform::linux::mounts::Mount;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;

/// Always an error.
pub fn space(_mount: &Mount) -> io::Result<Option<Space>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not looked for here.
pub async fn largest(_machine: &Machine, _place: &str) -> Option<Value> {
    None
}

/// Not tried here.
pub async fn would_free(_machine: &Machine, _targets: &[String]) -> Option<BTreeMap<String, f64>> {
    None
}
