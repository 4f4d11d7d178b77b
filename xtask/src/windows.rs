//! Building for Windows on a Debian machine: rustup's standard library for it, and mingw's linker.

use crate::steps::{cargo, root, run};
use crate::target;
use crate::test_programs;
use anyhow::{Result, ensure};
use infiniservice_lab::wine::Prefix;
use infiniservice_lab::{imports, packages};
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "x86_64-pc-windows-gnu";
/// What is built; each becomes an `.exe`.
pub const PROGRAMS: [&str; 2] = ["infiniservice", "infinictl"];

/// What is built: not what is the host's alone. No line of the link, the protocol, the hub's core and the fleet is for Windows
/// alone; they are built for the others, and tested on Linux. The same for programs and tests, as that decides which features dependencies have.
const NOT_FOR_WINDOWS: [&str; 9] = [
    "infinihub",
    "infiniservice-e2e",
    "infiniservice-fleet",
    "infiniservice-hub-core",
    "infiniservice-hub-sim",
    "infiniservice-lab",
    "infiniservice-link",
    "infiniservice-protocol",
    "xtask",
];
/// In the programs' own profile: that of tests optimises what a simulation on Linux needs.
const UNIT_TESTS: [&str; 3] = ["--lib", "--profile", "dev"];

/// A build: quick to make for tests, or small and fast for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `target/windows/…/debug`.
    Debug,
    /// `target/windows/…/release`.
    Release,
}

/// Installs what building needs.
pub fn prepare() -> Result<()> {
    packages::ensure(packages::WINDOWS_BUILD)?;
    target::ensure(TARGET)
}

/// Builds the programs and the unit tests, and lints them as strictly as for Linux: by the same compiler in the same go, so
/// that all dependencies are built once and not three times.
pub fn build_and_lint() -> Result<()> {
    unit_test_programs()?;
    run(linted("build").arg("--bins"))?;
    only_of_windows(&built(Profile::Debug))
}

/// Runs the unit tests under Wine, in a prefix of their own: those of Windows' own calls, and all that every platform has.
pub fn unit_tests() -> Result<()> {
    packages::ensure(packages::WINE)?;
    let prefix = Prefix::create(0)?;
    let mut failed = Vec::new();
    for program in unit_test_programs()? {
        println!("    {}", name(&program));
        let mut tests = prefix.command(&prefix.install(&program)?)?;
        if !tests.env("RUST_BACKTRACE", "0").arg("--quiet").status()?.success() {
            failed.push(name(&program));
        }
    }
    ensure!(failed.is_empty(), "{} failed", failed.join(", "));
    Ok(())
}

fn unit_test_programs() -> Result<Vec<PathBuf>> {
    let built = test_programs::built(linted("test").args(UNIT_TESTS))?;
    Ok(built.into_iter().map(|program| program.path).collect())
}

/// Builds the programs; where they are. Each is checked to want no DLL but Windows' own.
pub fn build(profile: Profile) -> Result<Vec<PathBuf>> {
    let mut command = for_windows("build");
    command.args(PROGRAMS.iter().flat_map(|program| ["-p", program]));
    if profile == Profile::Release {
        command.arg("--release");
    }
    run(&mut command)?;
    let built = built(profile);
    only_of_windows(&built)?;
    Ok(built.into())
}

fn built(profile: Profile) -> [PathBuf; 2] {
    let directory = root().join("target/windows").join(TARGET).join(match profile {
        Profile::Debug => "debug",
        Profile::Release => "release",
    });
    PROGRAMS.map(|program| directory.join(program).with_extension("exe"))
}

fn only_of_windows(programs: &[PathBuf]) -> Result<()> {
    for program in programs {
        let count = imports::only_of_windows(program)?;
        println!("    {}: {count} DLLs, all of them part of Windows", name(program));
    }
    Ok(())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// In a directory of its own, so that it waits for no other build's lock.
fn for_windows(subcommand: &str) -> Command {
    let mut command = cargo(&[subcommand, "--quiet", "--target", TARGET]);
    command.env("CARGO_TARGET_DIR", root().join("target/windows"));
    command
}

/// The same with a compiler that lints.
fn linted(subcommand: &str) -> Command {
    let mut command = for_windows(subcommand);
    // Every crate is built against the whole list: without the tests' own features in it, programs would share nothing with tests.
    command.arg("--workspace").args(NOT_FOR_WINDOWS.iter().flat_map(|package| ["--exclude", package]));
    test_programs::linted(command)
}
