//! `cargo xtask dist linux`: the release for Linux, from sources to checksums.

use super::site::{Site, TARGET, output};
use super::{empty_root, packages, sbom, stage};
use crate::steps::run as run_program;
use crate::target;
use anyhow::{Context, Result};
use infiniservice_lab::packages::{STATIC_BUILD, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    let agent = agent(site)?;
    empty_root::check(&agent)?;
    let out = site.out();
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| out.display().to_string())?;
    }
    let [infinictl, hub] = programs_of_the_host(site)?;
    stage::lay_out(site, &[agent, infinictl])?;
    stage::lay_out_hub(site, &hub)?;
    let mut made = vec![stage::archive(site)?, stage::archive_for_infinibay(site)?];
    for package in &packages::ALL {
        made.extend([packages::deb(site, package)?, packages::rpm(site, package)?]);
    }
    made.extend(sbom::write(site)?);
    made.push(checksums(site, &out, &made)?);
    Ok(made)
}

/// The guest's program, static and optimised. It is built by itself: what the host's programs want of a crate that it has, too, is
/// not to get into it.
pub fn agent(site: &Site) -> Result<PathBuf> {
    let [agent] = build(site, site.cargo(&BUILD)?, [PROGRAMS[0]])?;
    Ok(agent)
}

/// The host's command and its daemon.
fn programs_of_the_host(site: &Site) -> Result<[PathBuf; 2]> {
    ensure(STATIC_BUILD)?;
    let mut cargo = site.cargo(&BUILD)?;
    if site.for_users {
        cargo.args(FAST);
    } else {
        let quick =
            QUICK.map(|(package, level)| format!("profile.release.package.{package}.opt-level={level}"));
        cargo.args(quick.iter().flat_map(|setting| ["--config", setting]));
    }
    build(site, cargo, [PROGRAMS[1], HUB])
}

const BUILD: [&str; 5] = ["build", "--locked", "--release", "--target", TARGET];

/// Speed counts on a host that reads thousands of guests, and not the size of a program.
pub const FAST: [&str; 2] = ["--config", "profile.release.opt-level=3"];

/// No guest has these, and no test waits for them: for the tests they are compiled in a third of the time.
const QUICK: [(&str, u8); 11] = [
    ("async-nats", 0),
    ("clap_complete", 0),
    ("infinictl", 0),
    ("infinihub", 1),
    ("infiniservice-engine", 0),
    ("infiniservice-fleet", 0),
    ("infiniservice-hub-core", 1),
    ("opentelemetry_sdk", 0),
    ("ratatui-core", 0),
    ("rustls", 0),
    ("zstd-sys", 0),
];

fn build<const N: usize>(site: &Site, mut cargo: Command, programs: [&str; N]) -> Result<[PathBuf; N]> {
    target::ensure(TARGET)?;
    run_program(cargo.args(programs.iter().flat_map(|program| ["--package", program])))?;
    let directory = site.target().join(TARGET).join("release");
    Ok(programs.map(|program| directory.join(program)))
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
