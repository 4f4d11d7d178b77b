//! `cargo xtask dist windows`: the programs and the script that installs them.

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
    Ok(())
}
