//! What programs and files of the host's choice are on Linux.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Whether both streams of a program can go into one pipe.
pub const CAN_MERGE: bool = true;
/// Where a name without a directory is looked for.
const DIRECTORIES: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// Whoever opens a fifo shall not wait for its other end.
const NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

/// The program's path.
pub fn located(path: &str) -> Option<PathBuf> {
    let is_file = |path: &PathBuf| path.metadata().is_ok_and(|metadata| metadata.is_file());
    if path.starts_with('/') {
        return Some(PathBuf::from(path)).filter(is_file);
    }
    let is_name = !path.is_empty() && !path.contains('/');
    DIRECTORIES.iter().filter(|_| is_name).map(|directory| Path::new(directory).join(path)).find(is_file)
}

/// How files are opened besides.
pub fn opened(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o666).custom_flags(NONBLOCK)
}

/// Exit code or signal of a program that returned this.
pub fn ended(code: i32) -> (Option<i64>, Option<i64>) {
    (Some(i64::from(code)), None)
}
