//! Building for Windows on a Debian machine: its own Rust with its sources, and mingw's linker. Rustup's toolchain has
//! nothing to do with it.

use crate::steps::{own_program, root, run};
use anyhow::{Context, Result, bail};
use infiniservice_lab::{command, imports, packages};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's, never the first on `PATH`.
const CARGO: &str = "/usr/bin/cargo";
/// Called by itself: cargo would take one of rustup's before it.
const CLIPPY: &str = "/usr/bin/cargo-clippy";
const RUSTC: &str = "/usr/bin/rustc";
const TARGET: &str = "x86_64-pc-windows-gnu";
/// What is built; each becomes an `.exe`.
pub const PROGRAMS: [&str; 2] = ["infiniservice", "infinictl"];

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

/// Lints the agent for Windows, as strictly as for Linux.
pub fn clippy() -> Result<()> {
    run(cargo(CLIPPY, "clippy", Profile::Debug).args(["--", "-D", "warnings"]))
}

/// Runs the agent's unit tests under Wine: those of Windows' own calls, and all that every platform has.
pub fn unit_tests() -> Result<()> {
    let mut command = debian(CARGO, "test");
    let runner = format!("{} under-wine", own_program()?.display());
    command.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", runner).env("RUST_BACKTRACE", "0");
    run(command.args(["-p", "infiniservice", "--lib"]))
}

/// Builds the programs; where they are. Each is checked to want no DLL but Windows' own.
pub fn build(profile: Profile) -> Result<Vec<PathBuf>> {
    run(&mut cargo(CARGO, "build", profile))?;
    let directory = root().join("target/windows").join(TARGET).join(match profile {
        Profile::Debug => "debug",
        Profile::Release => "release",
    });
    let built = PROGRAMS.map(|program| directory.join(program).with_extension("exe"));
    for program in &built {
        let count = imports::only_of_windows(program)?;
        println!("    {}: {count} DLLs, all of them part of Windows", name(program));
    }
    Ok(built.into())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// `std` is built from its source, for which stable Rust has to be asked to allow it. What rustup's cargo told this
/// process about itself must not reach Debian's.
fn debian(program: &str, subcommand: &str) -> Command {
    let mut command = Command::new(program);
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
    command.args([subcommand, "--quiet", "-Z", "build-std=std,panic_abort", "--target", TARGET]);
    command
}

/// The same for the programs that users get.
fn cargo(program: &str, subcommand: &str, profile: Profile) -> Command {
    let mut command = debian(program, subcommand);
    command.args(PROGRAMS.iter().flat_map(|program| ["-p", program]));
    if profile == Profile::Release {
        command.arg("--release");
    }
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
