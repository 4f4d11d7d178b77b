//! `cargo xtask dist windows`: the programs and the script that installs them, a zip of all, and one as Infinibay's host
//! serves them.

use super::zip;
use crate::steps::root;
use crate::windows::{self, Profile};
use anyhow::{Context, Result};
use std::fs;

/// Builds, and tells where it is; `debug` is the quick build of the tests, left where it was built.
pub fn run(debug: bool) -> Result<()> {
    windows::prepare()?;
    if debug {
        return windows::build(Profile::Debug).map(drop);
    }
    let directory = root().join("target/dist/windows");
    fs::create_dir_all(&directory)?;
    fs::copy(root().join("packaging/install-windows.ps1"), directory.join("install-windows.ps1"))?;
    for program in windows::build(Profile::Release)? {
        let to = directory.join(program.file_name().context("a program has a name")?);
        let bytes = fs::copy(&program, &to)?;
        println!("{} ({:.1} MB)", to.display(), bytes as f64 / 1e6);
    }
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(root().join(licence), directory.join(licence))?;
    }
    let version = env!("CARGO_PKG_VERSION");
    let all = zip::of_directory(&directory, &format!("infiniservice-{version}-x86_64-windows"))?;
    // As Infinibay's host looks for what it serves to its machines.
    let served = [
        ("infiniservice.exe", "binaries/windows/infiniservice.exe"),
        ("install-windows.ps1", "install/install-windows.ps1"),
    ];
    let served = zip::of_files(&directory, &format!("infiniservice-{version}-infinibay-windows"), &served)?;
    for zip in [all, served] {
        println!("{} ({:.1} MB)", zip.display(), fs::metadata(&zip)?.len() as f64 / 1e6);
    }
    Ok(())
}
