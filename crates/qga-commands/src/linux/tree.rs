//! The system's files, for the readers of the protocol's crate.

use infiniservice_qga::linux::{self, MAX_ENTRIES, MAX_FILE_BYTES, System, Tree};
use infiniservice_qga::{Error, Reply, Request};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Files below a directory: `/`, or a made-up tree.
#[derive(Debug)]
pub struct Files(PathBuf);

impl Files {
    /// The system's own.
    pub fn of_this_machine() -> Self {
        Self(Path::new("/").to_owned())
    }
}

impl Tree for Files {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.0.join(path))?.take(MAX_FILE_BYTES as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let names = fs::read_dir(self.0.join(path))?.take(MAX_ENTRIES);
        names.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }
}

/// What no file tells.
pub fn system() -> System {
    System {
        machine: rustix::system::uname().machine().to_string_lossy().into_owned(),
        ticks_per_second: rustix::param::clock_ticks_per_second(),
        now: SystemTime::now(),
    }
}

/// The answer to a command that files answer.
pub fn answer(request: &Request) -> Result<Reply, Error> {
    let told = linux::answer(request, &Files::of_this_machine(), &system());
    told.unwrap_or_else(|| Err(Error::generic("the agent does not know how to do this")))
}
