//! Discarding unused blocks.

use super::file_systems::{Mounted, mounted, path};
use crate::errors::reason;
use infiniservice_platform::file_systems_unsafe;
use infiniservice_qga::reply::{Trimmed, TrimmedPath};
use infiniservice_qga::{Error, Reply};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use std::io;
use std::os::fd::AsFd;

/// `guest-fstrim`: what came of each file system; none of them fails the whole.
pub fn trim(minimum: i64) -> Result<Reply, Error> {
    let minimum = minimum.max(0).unsigned_abs();
    let paths = mounted()?.iter().map(|one| trimmed(one, minimum)).collect();
    Ok(Reply::Trimmed(Trimmed { paths }))
}

fn trimmed(one: &Mounted, minimum: u64) -> TrimmedPath {
    let told = |result: Result<(u64, u64), String>| {
        let (done, error) = match result {
            Ok(done) => (Some(done), None),
            Err(error) => (None, Some(error)),
        };
        let path = one.mount.mount_point_text();
        TrimmedPath { path, trimmed: done.map(|done| done.0), minimum: done.map(|done| done.1), error }
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match open(path(&one.mount.place), flags, Mode::empty()) {
        Ok(directory) => {
            told(file_systems_unsafe::trim(directory.as_fd(), minimum).map_err(|error| why_not(&error)))
        }
        Err(error) => told(Err(format!("failed to open: {}", reason(&error.into())))),
    }
}

fn why_not(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::NOTTY | Errno::OPNOTSUPP) => "trim not supported".to_owned(),
        _ => format!("failed to trim: {}", reason(error)),
    }
}
