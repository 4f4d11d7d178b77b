//! `cargo xtask dist`: what users get.

use crate::steps::root;
use crate::windows::{self, Profile};
use anyhow::{Context, Result};
use clap::Subcommand;
use std::fs;

/// Build what users install
#[derive(Subcommand)]
pub enum Dist {
    /// `infiniservice.exe` and `infinictl.exe` for 64-bit Windows, built here
    Windows {
        /// The quick build of the tests, left where it was built
        #[arg(long)]
        debug: bool,
    },
}

impl Dist {
    /// Builds, and tells where it is.
    pub fn run(&self) -> Result<()> {
        let Self::Windows { debug } = self;
        windows::prepare()?;
        if *debug {
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
}
