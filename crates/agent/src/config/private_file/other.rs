//! By the access list that it inherits from its directory.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Creates it; there must be none of this name.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
