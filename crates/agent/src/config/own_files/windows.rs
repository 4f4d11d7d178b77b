//! The agent's own files: where they are (below `C:\ProgramData`), and new ones that only their owner may open.

pub use infiniservice_platform::trusted::TrustedFile;

use infiniservice_platform::win32::directories_unsafe::program_data;
use infiniservice_platform::win32::security_unsafe::{self, own_account};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Where it is on every system that was not moved by hand.
const PROGRAM_DATA: &str = r"C:\ProgramData";

fn directory() -> PathBuf {
    program_data().unwrap_or_else(|| PROGRAM_DATA.into()).join("InfiniService")
}

/// The file that is read when none is named; it may be missing.
pub fn default_file() -> PathBuf {
    directory().join("config.toml")
}

/// Where a service logs, as it has no standard error.
#[allow(clippy::unnecessary_wraps, reason = "the signature is that of every platform")]
pub fn service_log() -> Option<PathBuf> {
    Some(directory().join("infiniservice.log"))
}

/// The file of this machine's own key, where none is named.
pub fn sealed_key() -> PathBuf {
    directory().join("sealed.key")
}

/// Creates a directory where there is none. The agent's own is the installer's; what is in another is protected file by file.
pub fn create_directory(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Creates a file that only its owner may open; there must be none of this name. SYSTEM, Administrators and the account that runs this may open it.
pub fn create_private(path: &Path) -> io::Result<File> {
    let own = own_account()?.sid;
    security_unsafe::create_file(path, &format!("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{own})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_platform::win32::access;

    #[test]
    fn a_file_that_is_kept_private_is_so_from_its_beginning_wherever_it_lies() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml.last-good");
        create_private(&path).unwrap();
        let found = security_unsafe::descriptor_of(&File::open(&path).unwrap()).unwrap();
        assert_eq!(access::secret_is_safe(&found, &own_account().unwrap().sid), Ok(()), "{found:?}");
        let again = create_private(&path).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists, "{again}");
    }
}
