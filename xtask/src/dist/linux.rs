//! `cargo xtask dist linux`: the release for Linux, from sources to checksums.

use super::site::{Site, TARGET, output};
use super::{empty_root, packages, sbom, stage};
use crate::steps::run as run_program;
use crate::target;
use anyhow::{Context, Result};
use infiniservice_lab::packages::{STATIC_BUILD, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// The programs: the guest's and the host's.
pub const PROGRAMS: [&str; 2] = ["infiniservice", "infinictl"];

/// The host's daemon, which has a package of its own and is in no archive for guests.
pub const HUB: &str = "infinihub";

/// Makes the release and tells what is in it.
pub fn run() -> Result<()> {
    tell(&make(&Site::here()?)?)
}

/// Makes what the tests install.
pub fn run_for_tests() -> Result<()> {
    tell(&make(&Site::of_tests()?)?)?;
    println!("    linked for tests: `cargo xtask dist linux` makes the smaller ones for users");
    Ok(())
}

fn tell(made: &[PathBuf]) -> Result<()> {
    for file in made {
        println!("{} ({:.2} MB)", file.display(), fs::metadata(file)?.len() as f64 / 1e6);
    }
    Ok(())
}

/// Makes the release at `site`; the files that users download.
pub fn make(site: &Site) -> Result<Vec<PathBuf>> {
    let programs = build(site)?;
    empty_root::check(&programs[0])?;
    let out = site.out();
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| out.display().to_string())?;
    }
    stage::lay_out(site, &programs)?;
    stage::lay_out_hub(site, &build_hub(site)?)?;
    let mut made = vec![stage::archive(site)?, stage::archive_for_infinibay(site)?];
    for package in &packages::ALL {
        made.extend([packages::deb(site, package)?, packages::rpm(site, package)?]);
    }
    made.extend(sbom::write(site)?);
    made.push(checksums(site, &out, &made)?);
    Ok(made)
}

/// The static programs, optimised.
pub fn build(site: &Site) -> Result<[PathBuf; 2]> {
    target::ensure(TARGET)?;
    let mut cargo =
        site.cargo(&["build", "--locked", "--release", "--target", TARGET, "--bin", PROGRAMS[0]])?;
    run_program(cargo.args(["--bin", PROGRAMS[1]]))?;
    let directory = site.target().join(TARGET).join("release");
    Ok(PROGRAMS.map(|program| directory.join(program)))
}

/// The daemon, built by itself: what it wants of a crate that the guest's program has, too, is not to get into that one.
fn build_hub(site: &Site) -> Result<PathBuf> {
    ensure(STATIC_BUILD)?;
    let arguments = ["build", "--locked", "--release", "--target", TARGET, "--package", HUB];
    run_program(&mut site.cargo(&arguments)?)?;
    Ok(site.target().join(TARGET).join("release").join(HUB))
}

/// `SHA256SUMS` of what users download, beside it.
fn checksums(site: &Site, out: &Path, files: &[PathBuf]) -> Result<PathBuf> {
    let mut names: Vec<&str> = files.iter().filter_map(|file| file.file_name()?.to_str()).collect();
    names.sort_unstable();
    let path = out.join("SHA256SUMS");
    let sums = output(site.command("sha256sum", &names).current_dir(out))?;
    fs::write(&path, sums + "\n")?;
    Ok(path)
}
