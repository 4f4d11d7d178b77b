//! Which DLLs a Windows program wants, read from its import table by `objdump`.

use crate::command;
use anyhow::{Result, ensure};
use std::path::Path;

/// Every Windows 10 and Server 2016 has these, in `System32`. Names that begin with `api-ms-win-` are its own, too.
const OF_WINDOWS: &[&str] = &[
    "advapi32.dll",
    "bcrypt.dll",
    "bcryptprimitives.dll",
    "cfgmgr32.dll",
    "combase.dll",
    "crypt32.dll",
    "iphlpapi.dll",
    "kernel32.dll",
    "ktmw32.dll",
    "msvcrt.dll",
    "ncrypt.dll",
    "netapi32.dll",
    "ntdll.dll",
    "ole32.dll",
    "oleaut32.dll",
    "pdh.dll",
    "powrprof.dll",
    "propsys.dll",
    "psapi.dll",
    "rpcrt4.dll",
    "secur32.dll",
    "sechost.dll",
    "setupapi.dll",
    "shell32.dll",
    "shlwapi.dll",
    "user32.dll",
    "userenv.dll",
    "version.dll",
    "wbemprox.dll",
    "wevtapi.dll",
    "ws2_32.dll",
    "wtsapi32.dll",
];

/// Fails when the program wants a DLL that Windows does not have; how many it wants.
///
/// # Errors
/// `objdump` is missing, or such a DLL, named.
pub fn only_of_windows(program: &Path) -> Result<usize> {
    let mut objdump = command::program("x86_64-w64-mingw32-objdump")?;
    let wanted = names(&command::output_of(objdump.arg("-p").arg(program))?);
    ensure!(!wanted.is_empty(), "{} wants no DLL at all: it cannot have been read", program.display());
    let foreign: Vec<&String> = wanted.iter().filter(|name| !is_of_windows(name)).collect();
    ensure!(foreign.is_empty(), "{} wants {foreign:?}, which Windows does not have", program.display());
    Ok(wanted.len())
}

fn is_of_windows(name: &str) -> bool {
    name.starts_with("api-ms-win-") || OF_WINDOWS.contains(&name)
}

/// Each once, in lower case.
fn names(dump: &str) -> Vec<String> {
    let lines = dump.lines().filter_map(|line| line.trim().strip_prefix("DLL Name: "));
    let mut names: Vec<String> = lines.map(|name| name.trim().to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GNU objdump 2.40, shortened.
    const DUMP: &str = "\nThe Import Tables (interpreted .idata section contents)\n vma:            Hint    Time\n \
 0200a000\t0200a028 00000000\n\n\tDLL Name: KERNEL32.dll\n\tvma:  Hint/Ord Member-Name\n\tDLL Name: libgcc_s_seh-1.dll\n\tDLL \
Name: kernel32.dll\n";

    #[test]
    fn each_name_is_read_once() {
        assert_eq!(names(DUMP), ["kernel32.dll", "libgcc_s_seh-1.dll"]);
    }

    #[test]
    fn a_compilers_own_library_is_none_of_windows() {
        for name in ["libgcc_s_seh-1.dll", "libwinpthread-1.dll", "libstdc++-6.dll", "vcruntime140.dll"] {
            assert!(!is_of_windows(name), "{name}");
        }
        assert!(is_of_windows("api-ms-win-core-synch-l1-2-0.dll") && is_of_windows("kernel32.dll"));
    }
}
