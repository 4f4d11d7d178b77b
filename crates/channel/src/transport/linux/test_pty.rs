//! For tests: a pseudo-terminal whose master plays the host, reached through a link, as a real host's would be.

use rustix::pty::OpenptFlags;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The host's end.
pub struct Host {
    pub master: File,
    pub slave: PathBuf,
}

impl Host {
    /// A new pseudo-terminal with a blocking master.
    pub fn new() -> Self {
        let master: OwnedFd = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let slave = rustix::pty::ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        Self { master: master.into(), slave: slave.into() }
    }

    /// Makes `link` lead to this terminal, replacing what was there.
    pub fn at(self, link: &Path) -> Self {
        let _absent = fs::remove_file(link);
        symlink(&self.slave, link).unwrap();
        self
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.master.write_all(bytes).unwrap();
    }

    pub fn receive(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.master.read_exact(&mut bytes).unwrap();
        bytes
    }
}
