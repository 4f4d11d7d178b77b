//! The environment of programs: Windows' own directories, and of the agent's variables only those that tell where things lie.

use crate::{Program, RunError};
use infiniservice_platform::win32::directories_unsafe::{system, windows};
use std::ffi::OsString;
use std::path::PathBuf;

/// Variables that the system or its administrator sets and that programs cannot do without; nothing else is handed on.
const HANDED_ON: [&str; 21] = [
    "ALLUSERSPROFILE",
    "APPDATA",
    "CommonProgramFiles",
    "CommonProgramFiles(x86)",
    "CommonProgramW6432",
    "COMPUTERNAME",
    "LOCALAPPDATA",
    "NUMBER_OF_PROCESSORS",
    "OS",
    "PROCESSOR_ARCHITECTURE",
    "ProgramData",
    "ProgramFiles",
    "ProgramFiles(x86)",
    "ProgramW6432",
    "PUBLIC",
    "SystemDrive",
    "TEMP",
    "TMP",
    "USERDOMAIN",
    "USERNAME",
    "USERPROFILE",
];

/// `C:\Windows\system32`, as Windows says, whatever the environment says.
pub fn system_directory() -> PathBuf {
    system().unwrap_or_else(|| PathBuf::from(r"C:\Windows\system32"))
}

/// `C:\Windows`.
pub fn windows_directory() -> PathBuf {
    windows().unwrap_or_else(|| PathBuf::from(r"C:\Windows"))
}

/// For every program.
pub(super) fn clean() -> Vec<(OsString, OsString)> {
    let (windows, system) = (windows_directory(), system_directory());
    let search =
        [system.clone(), windows.clone(), system.join("wbem"), system.join("WindowsPowerShell\\v1.0")];
    let search: Vec<OsString> = search.into_iter().map(Into::into).collect();
    let own = [
        ("SystemRoot", windows.clone().into_os_string()),
        ("windir", windows.into_os_string()),
        ("ComSpec", system.join("cmd.exe").into_os_string()),
        ("PATHEXT", ".COM;.EXE;.BAT;.CMD".into()),
        ("PATH", search.join(std::ffi::OsStr::new(";"))),
        ("LC_ALL", "C.UTF-8".into()),
        // Programs are looked for in the directories of PATH only, and not where the command happens to start
        // (NeedCurrentDirectoryForExePathW).
        ("NoDefaultCurrentDirectoryInExePath", "1".into()),
    ];
    let own = own.into_iter().map(|(name, value)| (name.into(), value));
    let handed_on = HANDED_ON.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
    own.chain(handed_on).collect()
}

/// Directories below the system directory, itself first.
const BELOW: [&str; 3] = ["", "WindowsPowerShell\\v1.0", "wbem"];

/// The path of a program that may be started. Whoever names a path has seen to it who may write there.
pub(super) fn locate(program: &Program) -> Result<PathBuf, RunError> {
    match program {
        Program::Named(name) => {
            let file = format!("{name}.exe");
            let mut paths = BELOW.iter().map(|below| system_directory().join(below).join(&file));
            paths.find(|path| path.is_file()).ok_or(RunError::NotInstalled(file))
        }
        Program::At(path) if path.is_absolute() && path.is_file() => Ok(path.clone()),
        Program::At(path) => Err(RunError::NotInstalled(path.display().to_string())),
    }
}
