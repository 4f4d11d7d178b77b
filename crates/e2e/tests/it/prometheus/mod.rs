//! What `infinihub` tells of machines, read by the real Prometheus: series, alerts, dashboards.
//!
//! Where Debian's `prometheus` and `prometheus-alertmanager` are not installed, these tests say so and do nothing; `cargo xtask
//! test` installs them.

mod alertmanager;
mod daemon;
mod dashboards;
mod guests;
mod program;
mod promtool;
mod scraped;
mod server;

use std::path::{Path, PathBuf};

/// A file of the repository.
fn packaging(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(path)
}

/// Where a program is, or `None`, which is told.
fn installed(program: &str) -> Option<PathBuf> {
    let path = Path::new("/usr/bin").join(program);
    if path.exists() {
        return Some(path);
    }
    println!("left out: {} is not there", path.display());
    None
}
