//! The last configuration file that was valid, kept beside it. With that the agent starts when the file is wrong, so that a slip
//! in it does not take the machine away from its host.

use super::own_files;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Behind the name of the configuration file.
const LAST_GOOD: &str = ".last-good";

/// Where the last valid text of this file is kept. It may hold the secret, and is its owner's alone.
pub fn last_good_path(config: &Path) -> PathBuf {
    with_suffix(config, LAST_GOOD)
}

/// Keeps the text; the file appears whole, and is left alone where it says the same.
pub(super) fn keep_last_good(config: &Path, text: &str) -> io::Result<()> {
    let path = last_good_path(config);
    if fs::read(&path).is_ok_and(|kept| kept == text.as_bytes()) {
        return Ok(());
    }
    let fresh = with_suffix(&path, ".new");
    let _none_is_left_over = fs::remove_file(&fresh);
    let mut file = own_files::create_private(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // Windows lets nobody rename a file that is open for its writer alone.
    drop(file);
    fs::rename(&fresh, &path)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
