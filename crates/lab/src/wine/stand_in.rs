//! Two small programs in C, built by mingw, for tests and figures only.

use crate::command;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Every Windows has this library and Wine 8 lacks it: Rust's standard library takes random numbers from it. This one
/// passes the call on to what Wine has.
const LIBRARY: &str = include_str!("bcryptprimitives.c");
/// Tells how many handles a program has, which no tool of Wine's does.
const HANDLES: &str = include_str!("handles.c");

/// Builds `bcryptprimitives.dll` into `directory`, beside the programs that need it.
pub(super) fn build(directory: &Path) -> Result<()> {
    compile(directory, LIBRARY, "bcryptprimitives.dll", &["-shared", "-ladvapi32"])
}

/// Builds `handles.exe`.
pub(super) fn build_handles(directory: &Path) -> Result<()> {
    compile(directory, HANDLES, "handles.exe", &["-municode", "-lntdll"])
}

fn compile(directory: &Path, source: &str, product: &str, flags: &[&str]) -> Result<()> {
    let file = directory.join(product).with_extension("c");
    fs::write(&file, source)?;
    let mut compiler = command::program("x86_64-w64-mingw32-gcc")?;
    compiler.args(["-O1", "-s", "-o"]).arg(directory.join(product)).arg(&file).args(flags);
    command::output_of(&mut compiler).map(drop).with_context(|| product.to_owned())
}
