//! Where files have no mode bits: the directory's access list guards the file.

use std::fs::File;
use std::io;
use std::path::Path;

/// A regular file that is open for reading.
#[derive(Debug)]
pub struct TrustedFile {
    file: File,
}

impl TrustedFile {
    /// Opens it; `None` where there is none.
    pub fn open(path: &Path) -> Result<Option<Self>, String> {
        let unreadable = |error: io::Error| format!("cannot be read: {error}");
        match path.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
            Ok(found) if !found.is_file() => return Err("is not a regular file".into()),
            Ok(_) => {}
        }
        let file = File::open(path).map_err(unreadable)?;
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err("is not a regular file".into());
        }
        Ok(Some(Self { file }))
    }

    /// Always fits.
    pub fn check_not_readable_by_others(&self) -> Result<(), String> {
        Ok(())
    }

    /// Always fits.
    pub fn check_not_open_to_all(&self) -> Result<(), String> {
        Ok(())
    }

    /// To read from.
    pub fn reader(&self) -> &File {
        &self.file
    }
}
