//! The promise of a static program: it runs in an empty root, with nothing but itself.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// What is run there, and the exit codes that it may have: where there is no port, `--diagnose` says so by 3.
const RUNS: [(&str, &[i32]); 4] =
    [("--version", &[0]), ("--help", &[0]), ("--print-config", &[0]), ("--diagnose", &[1, 3])];

/// Fails where the program needs anything: an interpreter, a library, `/proc`, `/etc/passwd`.
pub fn check(program: &Path) -> Result<()> {
    let root = tempfile::tempdir()?;
    let copy = root.path().join("infiniservice");
    fs::copy(program, &copy).with_context(|| program.display().to_string())?;
    for (argument, codes) in RUNS {
        let output = alone(root.path(), argument)?;
        let code = output.status.code();
        let told = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            code.is_some_and(|code| codes.contains(&code)) && !told.is_empty(),
            "in an empty root, infiniservice {argument} ends with {}: {told}{errors}",
            output.status
        );
        println!(
            "    in an empty root, infiniservice {argument}: {}",
            told.lines().next().unwrap_or_default()
        );
    }
    Ok(())
}

/// As root directly, as another user in a user namespace (`user_namespaces(7)`).
fn alone(root: &Path, argument: &str) -> Result<Output> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let wrapper: &[&str] =
        if is_root { &["chroot"] } else { &["unshare", "--user", "--map-root-user", "chroot"] };
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(root).args(["/infiniservice", argument]).env_clear();
    // `chroot` itself is found where the system has it.
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.output().with_context(|| format!("{command:?} does not start"))
}
