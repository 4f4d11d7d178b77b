//! `cargo xtask fuzz`: cargo-fuzz on every reader of what others write, for as long as is asked for.

use crate::steps::{Steps, cargo, command, root, run};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use infiniservice_lab::command::find;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Longest input, in bytes; none of what is read comes in smaller parts than lines of this length.
const MAX_LEN: usize = 16 << 10;
/// Longest unit of a corpus that is kept, in bytes.
const MAX_KEPT: usize = 2 << 10;

/// Fuzz the parsers with libFuzzer, which needs a nightly toolchain; reports executions and findings
#[derive(Args, Debug)]
pub struct Fuzz {
    /// Fuzz only this target [default: all, one after another]
    target: Option<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Afterwards, merge inputs with new coverage into the corpora, minimised
    #[arg(long)]
    merge: bool,
}

impl Fuzz {
    /// Runs the targets; one that panics fails, and its input is named.
    pub fn run(&self) -> Result<()> {
        prepare()?;
        let targets = self.targets()?;
        run(&mut cargo_fuzz(&["build"]))?;
        let mut steps = Steps::default();
        for target in &targets {
            steps.step(&format!("fuzz {target}"), || self.fuzz(target));
        }
        steps.finish()
    }

    fn targets(&self) -> Result<Vec<String>> {
        let all = names()?;
        match &self.target {
            None => Ok(all),
            Some(one) if all.contains(one) => Ok(vec![one.clone()]),
            Some(one) => bail!("{one} is not a target; the targets are {}", all.join(", ")),
        }
    }

    /// Finds go to `fuzz/work`, so that the corpora in the repository change only when they are merged.
    fn fuzz(&self, target: &str) -> Result<()> {
        let (work, corpus) = (format!("fuzz/work/{target}"), format!("fuzz/corpus/{target}"));
        fs::create_dir_all(root().join(&work))?;
        let limits = [format!("-max_total_time={}", self.seconds), format!("-max_len={MAX_LEN}")];
        let watched = ["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0"];
        let mut fuzz = cargo_fuzz(&["run", target, &work, &corpus, "--"]);
        run(fuzz.args(limits).args(watched))?;
        if self.merge { merge(target, &work, &corpus) } else { Ok(()) }
    }
}

/// The smallest set of inputs that goes the same ways, in the corpus' place.
fn merge(target: &str, work: &str, corpus: &str) -> Result<()> {
    let merged = format!("fuzz/work/{target}.merged");
    let _ = fs::remove_dir_all(root().join(&merged));
    fs::create_dir_all(root().join(&merged))?;
    // The repository's own first: they are kept where both go the same way.
    let longest = format!("-max_len={MAX_KEPT}");
    run(&mut cargo_fuzz(&[
        "run",
        target,
        &merged,
        corpus,
        work,
        "--",
        "-merge=1",
        "-verbosity=0",
        &longest,
    ]))?;
    fs::remove_dir_all(root().join(corpus))?;
    fs::rename(root().join(&merged), root().join(corpus)).context("the merged corpus")
}

/// The files in `fuzz/fuzz_targets`, in the order of their names.
fn names() -> Result<Vec<String>> {
    let entries = fs::read_dir(root().join("fuzz/fuzz_targets"))?;
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let mut names: Vec<String> = entries.filter_map(|entry| stem(&entry.ok()?.path())).collect();
    names.sort();
    Ok(names)
}

/// cargo-fuzz is installed where it is missing; a toolchain is a person's choice.
fn prepare() -> Result<()> {
    let nightly = command("rustup", &["run", "nightly", "rustc", "--version"]).output();
    let is_there = nightly.is_ok_and(|output| output.status.success());
    ensure!(
        is_there,
        "libFuzzer needs a nightly toolchain, and there is none: rustup toolchain install nightly --profile minimal\n\
         (without one, `cargo test -p infiniservice fuzzing` replays the corpora and a bounded number of mutations)"
    );
    if find("cargo-fuzz").is_none() {
        println!("    cargo-fuzz is missing: installing it");
        run(&mut cargo(&["install", "--locked", "cargo-fuzz"]))?;
    }
    Ok(())
}

fn cargo_fuzz(arguments: &[&str]) -> Command {
    let mut command = command("rustup", &["run", "nightly", "cargo", "fuzz"]);
    command.args(arguments);
    command
}
