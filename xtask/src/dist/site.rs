//! Where a release is built, and what of that place must not show in it.

use crate::steps::{command, root};
use anyhow::{Context, Result, ensure};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target whose C library is linked into the program, and which has no name service that would want to load another.
pub const TARGET: &str = "x86_64-unknown-linux-musl";

/// A copy of the sources, and the time that everything made of them bears.
pub struct Site {
    /// The workspace's root there.
    pub root: PathBuf,
    /// Seconds since 1970, as in `SOURCE_DATE_EPOCH`: the time of the sources' last commit.
    pub epoch: String,
    /// Whether it is for users: small programs, slow to link. The tests' own is larger, and made in a fraction of the time.
    pub for_users: bool,
}

impl Site {
    /// The sources that this program is of.
    pub fn here() -> Result<Self> {
        Ok(Self { root: root(), epoch: epoch()?, for_users: true })
    }

    /// The same for the tests: all that a release has, and quicker to build. It lies where a release for users would.
    pub fn of_tests() -> Result<Self> {
        Ok(Self { for_users: false, ..Self::here()? })
    }

    /// Where cargo builds.
    pub fn target(&self) -> PathBuf {
        self.root.join(if self.for_users { "target" } else { "target/tested" })
    }

    /// Where the release lies when it is made. The packages' manifests name files of it.
    pub fn out(&self) -> PathBuf {
        self.root.join("target/dist/linux")
    }

    /// What the archive and the packages are made of.
    pub fn stage(&self) -> PathBuf {
        self.out().join("stage")
    }

    /// What packages have and the archive has not: manual pages, completions, a drop-in.
    pub fn documents(&self) -> PathBuf {
        self.out().join("documents")
    }

    /// A program that runs there, with the time told to it.
    pub fn command(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        command.args(arguments).current_dir(&self.root);
        command.env("SOURCE_DATE_EPOCH", &self.epoch).env("CARGO_TARGET_DIR", self.target());
        command.env("LC_ALL", "C").env("TZ", "UTC");
        command
    }

    /// A cargo whose compiler writes no path of this machine into what it makes.
    pub fn cargo(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = self.command(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), arguments);
        let flags: Vec<String> = self
            .remapped()?
            .iter()
            .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
            .collect();
        // Cargo separates them by this, as paths may have spaces.
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        if !self.for_users {
            // Linking with optimisation over all crates, even the thin one, keeps one processor busy for minutes.
            command.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        }
        Ok(command)
    }

    fn remapped(&self) -> Result<[(PathBuf, &'static str); 3]> {
        let home = env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
        // Where the component rust-src is installed, the standard library's own paths are found again below it.
        let sysroot = output(&mut command("rustc", &["--print", "sysroot"]))?;
        Ok([
            (self.root.clone(), "/infiniservice"),
            (home.context("neither CARGO_HOME nor HOME is set")?, "/cargo"),
            (PathBuf::from(sysroot), "/rust"),
        ])
    }
}

fn epoch() -> Result<String> {
    if let Ok(epoch) = env::var("SOURCE_DATE_EPOCH") {
        return Ok(epoch);
    }
    output(&mut command("git", &["log", "-1", "--format=%ct"]))
        .context("not a git checkout: set the release's time with SOURCE_DATE_EPOCH")
}

/// What a program says, without the white space around it.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?} does not start"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}: {errors}", output.status);
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
