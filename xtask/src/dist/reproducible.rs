//! The proof that a release depends on its sources only: all of it made twice, in two places, and compared.

use super::linux;
use super::site::Site;
use crate::steps::run;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Makes the release here and in another directory, from the same commit, and tells what differs.
pub fn run_twice() -> Result<()> {
    let here = Site::here()?;
    let elsewhere = tempfile::Builder::new().prefix("another place ").tempdir()?;
    let there = Site {
        root: elsewhere.path().join("infiniservice sources"),
        epoch: here.epoch.clone(),
        for_users: true,
    };
    copy(&here, &there.root)?;
    let (first, second) = (linux::make(&here)?, linux::make(&there)?);
    let mut differing = Vec::new();
    for (one, other) in first.iter().zip(&second) {
        let same = fs::read(one)? == fs::read(other)?;
        println!("{}  {}", if same { "same bytes" } else { "DIFFERENT " }, name(one));
        if !same {
            differing.push(name(one));
        }
    }
    ensure!(differing.is_empty(), "these differ when built in another place: {}", differing.join(", "));
    Ok(())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The files that git knows, as they are now.
fn copy(here: &Site, to: &PathBuf) -> Result<()> {
    fs::create_dir_all(to)?;
    let mut files = here.command("git", &["ls-files", "-z"]);
    let mut files = files.stdout(Stdio::piped()).spawn().context("git")?;
    let pack = ["--create", "--null", "--files-from=-"];
    let mut pack = here.command("tar", &pack);
    let mut packed = pack.stdin(files.stdout.take().context("a pipe")?).stdout(Stdio::piped()).spawn()?;
    let packed_files = packed.stdout.take().context("a pipe")?;
    run(Command::new("tar").args(["--extract", "--directory"]).arg(to).stdin(packed_files))?;
    ensure!(files.wait()?.success() && packed.wait()?.success(), "the sources cannot be copied");
    Ok(())
}
