//! Building for Windows on a Debian machine: its own Rust with its sources, and mingw's linker. Rustup's toolchain has
//! nothing to do with it.

use crate::steps::{root, run};
use crate::test_programs;
use anyhow::{Context, Result, bail, ensure};
use infiniservice_lab::wine::Prefix;
use infiniservice_lab::{command, imports, packages};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's, never the first on `PATH`.
const CARGO: &str = "/usr/bin/cargo";
/// The compiler that lints what it compiles. Called by itself: cargo would take one of rustup's before it.
const CLIPPY: &str = "/usr/bin/clippy-driver";
/// What cargo-clippy tells that compiler for `-D warnings`.
const WARNINGS_ARE_ERRORS: &str = "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__";
const RUSTC: &str = "/usr/bin/rustc";
const TARGET: &str = "x86_64-pc-windows-gnu";
/// What is built; each becomes an `.exe`.
pub const PROGRAMS: [&str; 2] = ["infiniservice", "infinictl"];

/// What is built: not what is the host's alone. No line of the link and the protocol is for Windows alone; they are built for
/// the others, and tested on Linux. The same for programs and tests, as that decides which features dependencies have.
const NOT_FOR_WINDOWS: [&str; 5] =
    ["infiniservice-e2e", "infiniservice-lab", "infiniservice-link", "infiniservice-protocol", "xtask"];
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

/// Installs what building needs, and looks whether it is new enough.
pub fn prepare() -> Result<()> {
    packages::ensure(packages::WINDOWS_BUILD)?;
    let told = command::output_of(Command::new(RUSTC).arg("--version"))?;
    let (have, want) = (version(&told).context("rustc reports no version")?, wanted_version()?);
    if have < want {
        bail!(
            "{RUSTC} is version {}.{}, and {}.{} is needed: install rustc-web, cargo-web, rust-web-src and rust-web-clippy of \
             Debian 12's security archive, or newer",
            have.0,
            have.1,
            want.0,
            want.1
        );
    }
    Ok(())
}

/// Builds the programs and the unit tests, and lints them as strictly as for Linux: by the same compiler in the same go, so
/// that the standard library and all dependencies are built once and not three times.
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
    let mut command = debian("build", "std,panic_abort");
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

/// `std` is built from its source, for which stable Rust has to be asked to allow it. What rustup's cargo told this
/// process about itself must not reach Debian's.
fn debian(subcommand: &str, library: &str) -> Command {
    let mut command = Command::new(CARGO);
    command.current_dir(root()).env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    for (variable, _) in std::env::vars_os() {
        let text = variable.to_string_lossy();
        if text.starts_with("RUST")
            || (text.starts_with("CARGO") && text != "CARGO_HOME" && !text.starts_with("CARGO_HTTP"))
        {
            command.env_remove(&variable);
        }
    }
    command
        .env("CARGO", CARGO)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", root().join("target/windows"));
    command.args([subcommand, "--quiet", "-Z", &format!("build-std={library}"), "--target", TARGET]);
    command
}

/// The same with a compiler that lints. Nobody debugs this build, and it is made anew on each fresh checkout.
fn linted(subcommand: &str) -> Command {
    // Every crate is built against the whole list: without the tests' own library in it, programs would share nothing with tests.
    let mut command = debian(subcommand, "std,panic_abort,test");
    command.arg("--workspace").args(NOT_FOR_WINDOWS.iter().flat_map(|package| ["--exclude", package]));
    command.env("RUSTC_WORKSPACE_WRAPPER", CLIPPY).env("CLIPPY_ARGS", WARNINGS_ARE_ERRORS);
    command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
    command
}

/// `rust-version` of this workspace.
fn wanted_version() -> Result<(u32, u32)> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml"))?;
    let line =
        manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")).context("rust-version")?;
    version(&format!("rustc {line}")).context("rust-version")
}

/// Major and minor out of `rustc 1.96.0 (…)`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split_whitespace().nth(1)?.trim_end_matches('"').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(
            version("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"),
            Some((1, 96))
        );
        assert!(version("rustc 1.100.0").expect("read") > wanted_version().expect("read"));
        assert_eq!(version("no such thing"), None);
    }
}
