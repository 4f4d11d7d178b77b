//! `bcryptprimitives.dll`, which every Windows has and Wine 8 lacks: Rust's standard library takes random numbers from
//! it. This one passes the call on to what Wine has. For tests only.

use crate::command;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

const SOURCE: &str = include_str!("bcryptprimitives.c");

/// Builds it into `directory`, beside the programs that need it.
pub(super) fn build(directory: &Path) -> Result<()> {
    let source = directory.join("bcryptprimitives.c");
    fs::write(&source, SOURCE)?;
    let mut compiler = command::program("x86_64-w64-mingw32-gcc")?;
    compiler.args(["-shared", "-O1", "-s", "-o"]).arg(directory.join("bcryptprimitives.dll"));
    compiler.arg(&source).arg("-ladvapi32");
    command::output_of(&mut compiler).map(drop).context("the stand-in for bcryptprimitives.dll")
}
