//! What programs and files of the host's choice are on Windows.

use infiniservice_platform::win32::directories_unsafe::{system, windows};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// Whether both streams of a program can go into one pipe.
pub const CAN_MERGE: bool = false;
/// From here on a program's code is why the system ended it (`ntstatus.h`).
const FIRST_FAULT: u32 = 0xc000_0000;

/// The program's path: absolute, or a name in the system's directories; either may lack its `.exe`.
pub fn located(path: &str) -> Option<PathBuf> {
    let named = |path: PathBuf| {
        let with_exe = PathBuf::from(format!("{}.exe", path.display()));
        [path, with_exe].into_iter().find(|path| path.is_file())
    };
    if Path::new(path).is_absolute() {
        return named(PathBuf::from(path));
    }
    let is_name = !path.is_empty() && !path.contains(['/', '\\', ':']);
    let system = system();
    let below = system.as_ref().map(|system| system.join("WindowsPowerShell\\v1.0"));
    let directories = [system, windows(), below].into_iter().flatten().filter(|_| is_name);
    directories.map(|directory| directory.join(path)).find_map(named)
}

/// How files are opened besides.
pub fn opened(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Exit code of a program that returned this, or what the system ended it for, which the protocol calls a signal.
pub fn ended(code: i32) -> (Option<i64>, Option<i64>) {
    match code.cast_unsigned() {
        fault @ FIRST_FAULT.. => (None, Some(fault.into())),
        _ => (Some(code.into()), None),
    }
}
