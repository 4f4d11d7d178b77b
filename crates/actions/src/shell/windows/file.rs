//! A text in a file of its own, of which cmd and PowerShell get the path: what has more than one line, or is too long for a
//! command line.

use infiniservice_platform::win32::access::directory_is_safe;
use infiniservice_platform::win32::directories_unsafe::program_data;
use infiniservice_platform::win32::security_unsafe::{
    create_directory, create_file, descriptor_of, open_itself, own_account,
};
use std::fs;
use std::io::{self, Write as _};
use std::os::windows::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// `READ_CONTROL`: enough to ask who may do what.
const READ_CONTROL: u32 = 0x0002_0000;
/// `FILE_ATTRIBUTE_REPARSE_POINT`: a link or a junction.
const REPARSE_POINT: u32 = 0x400;
/// By which PowerShell 5 knows UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A file of SYSTEM and Administrators. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct TextFile(PathBuf);

impl TextFile {
    /// The file, as the interpreter of this extension wants it. May wait for the disk.
    pub(super) fn write(text: &str, extension: &str) -> io::Result<Self> {
        let directory = place();
        private_directory(&directory)?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{}-{number}.{extension}", std::process::id()));
        let file = Self(path);
        let mut open = create_file(&file.0, &access_list("")?)?;
        if extension == "ps1" {
            open.write_all(BOM)?;
        }
        open.write_all(text.as_bytes())?;
        Ok(file)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TextFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            log::debug!("cannot remove {}: {error}", self.0.display());
        }
    }
}

fn place() -> PathBuf {
    program_data().unwrap_or_else(|| r"C:\ProgramData".into()).join("InfiniService").join("run")
}

/// SYSTEM, Administrators and the account that runs this; `inherit` for what is made inside.
fn access_list(inherit: &str) -> io::Result<String> {
    let own = own_account()?.sid;
    Ok(format!("D:P(A;{inherit};FA;;;SY)(A;{inherit};FA;;;BA)(A;{inherit};FA;;;{own})"))
}

/// Makes a directory, and those above it, that SYSTEM, Administrators and the account that runs this alone may open.
///
/// # Errors
/// It cannot be made, or others may change what is in it.
pub(crate) fn private_directory(path: &Path) -> io::Result<()> {
    if let Some(above) = path.parent().filter(|above| !above.exists()) {
        private_directory(above)?;
    }
    match create_directory(path, &access_list("OICI")?) {
        Err(error) if !path.is_dir() => return Err(error),
        _ => {}
    }
    is_private(path)
}

/// The directory itself is looked at, not where a junction of this name leads: whoever owns that can lead it elsewhere later.
fn is_private(path: &Path) -> io::Result<()> {
    let account = own_account()?;
    if account.elevated {
        let held = open_itself(path, READ_CONTROL)?;
        if held.metadata()?.file_attributes() & REPARSE_POINT != 0 {
            return Err(io::Error::other(format!("{} leads elsewhere", path.display())));
        }
        directory_is_safe(&descriptor_of(&held)?, &account.sid).map_err(io::Error::other)?;
    }
    Ok(())
}

/// Removes what agents left: there is one at a time. Nothing of a directory that is not the agent's own: what is there is somebody
/// else's, or elsewhere.
pub(crate) fn clean() {
    let own = format!("{}-", std::process::id());
    if let Err(error) = is_private(&place()) {
        return log::debug!("nothing is removed from {}: {error}", place().display());
    }
    for entry in fs::read_dir(place()).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(&own) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
