//! A Wine prefix that is made for one run of tests.

use super::program::Running;
use super::stand_in;
use crate::command;
use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Debian's script of the name `wine` only chooses between this and the loader for 32 bits.
const LOADER: &str = "/usr/lib/wine/wine64";
const SERVER: &str = "/usr/lib/wine/wineserver64";
/// Where programs under test are put, as Windows names it.
pub const BIN: &str = r"C:\test";

/// A Windows of its own.
#[derive(Debug)]
pub struct Prefix {
    directory: TempDir,
    keeper: Option<Running>,
}

impl Prefix {
    /// Makes a prefix that says it is Windows 10, with `com_ports` ports from `COM1` on that lead nowhere yet. Takes about
    /// ten seconds.
    ///
    /// # Errors
    /// Wine or mingw is missing, or fails.
    pub fn create(com_ports: u32) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("infiniservice-wine-").tempdir()?;
        let mut prefix = Self { directory, keeper: None };
        prefix.run("wineboot", &["-i"])?;
        prefix.run("winecfg", &["-v", "win10"])?;
        for number in 1..=com_ports {
            prefix.declare_port(number)?;
        }
        // The ports are read when Wine's server starts.
        prefix.end_session()?;
        prefix.keep_session()?;
        fs::create_dir_all(prefix.bin())?;
        stand_in::build(&prefix.bin())?;
        Ok(prefix)
    }

    /// Copies a program to where it is run from; its path as Windows names it.
    ///
    /// # Errors
    /// It cannot be copied.
    pub fn install(&self, program: &Path) -> Result<String> {
        let name = program.file_name().context("a program has a name")?;
        let copied = fs::copy(program, self.bin().join(name));
        copied.with_context(|| format!("cannot copy {}", program.display()))?;
        Ok(format!(r"{BIN}\{}", name.to_string_lossy()))
    }

    /// The directory that is drive C.
    pub fn drive_c(&self) -> PathBuf {
        self.directory.path().join("drive_c")
    }

    /// Connects the port `COM<number>` to a terminal; whoever opens the port from now on opens this one.
    ///
    /// # Errors
    /// The link cannot be written.
    pub fn connect_port(&self, number: u32, terminal: &Path) -> Result<()> {
        let (link, new) = (self.port_link(number), self.port_link(number).with_extension("new"));
        symlink(terminal, &new)?;
        Ok(fs::rename(new, link)?)
    }

    /// Takes the port's terminal away: it cannot be opened any more.
    ///
    /// # Errors
    /// The link cannot be removed.
    pub fn disconnect_port(&self, number: u32) -> Result<()> {
        Ok(fs::remove_file(self.port_link(number))?)
    }

    /// Runs a Windows program to its end; its standard output.
    ///
    /// # Errors
    /// It does not start or fails, with what it said.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let mut command = self.command(program)?;
        command::output_of(command.args(arguments)).with_context(|| format!("{program} {arguments:?}"))
    }

    /// How many handles the first program of this file name has open.
    ///
    /// # Errors
    /// No such program runs; mingw fails.
    pub fn handles_of(&self, name: &str) -> Result<u64> {
        stand_in::build_handles(&self.bin())?;
        let told = self.run(&format!(r"{BIN}\handles.exe"), &[name])?;
        told.trim().parse().with_context(|| format!("handles.exe said {told:?}"))
    }

    /// Starts a Windows program; its standard error goes to `log`.
    ///
    /// # Errors
    /// Wine does not start.
    pub fn start(&self, program: &str, arguments: &[&str], log: &Path) -> Result<Running> {
        let mut command = self.command(program)?;
        command.args(arguments).stdout(Stdio::null()).stderr(File::create(log)?);
        Running::start(&mut command)
    }

    /// A Windows program, not started yet, in an environment that has nothing of this process's own.
    ///
    /// # Errors
    /// Wine is not installed.
    pub fn command(&self, program: &str) -> Result<Command> {
        let mut wine = command::program(LOADER)?;
        wine.env_clear().envs(self.environment());
        wine.arg(program).current_dir(self.directory.path());
        Ok(wine)
    }

    fn environment(&self) -> [(&'static str, PathBuf); 7] {
        [
            ("WINEPREFIX", self.directory.path().into()),
            ("HOME", self.directory.path().into()),
            ("WINELOADER", LOADER.into()),
            ("PATH", "/usr/bin:/bin".into()),
            ("LC_ALL", "C.UTF-8".into()),
            ("WINEDEBUG", "-all".into()),
            // Neither .NET nor a browser is asked for at the prefix's first start.
            ("WINEDLLOVERRIDES", "mscoree,mshtml=".into()),
        ]
    }

    fn bin(&self) -> PathBuf {
        self.drive_c().join("test")
    }

    fn port_link(&self, number: u32) -> PathBuf {
        self.directory.path().join(format!("com{number}-terminal"))
    }

    /// A link among the prefix's devices would be overwritten at Wine's start; this key is where it takes them from.
    fn declare_port(&self, number: u32) -> Result<()> {
        let (link, name) = (self.port_link(number), format!("COM{number}"));
        let target = link.to_str().context("the prefix has a path in UTF-8")?;
        let key = r"HKLM\Software\Wine\Ports";
        self.run("reg", &["add", key, "/v", &name, "/d", target, "/f"]).map(drop)
    }

    /// Services and the registry live as long as one program of the prefix.
    fn keep_session(&mut self) -> Result<()> {
        let log = self.directory.path().join("keeper.log");
        let mut command = self.command("cmd")?;
        command.args(["/c", "pause"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(File::create(log)?);
        let mut keeper = Running::start(&mut command)?;
        ensure!(keeper.is_running()?, "Wine keeps no session");
        self.keeper = Some(keeper);
        Ok(())
    }

    fn end_session(&self) -> Result<()> {
        for argument in ["-k", "-w"] {
            let mut server = command::program(SERVER)?;
            // It fails where no server runs, which is what is wanted.
            let _status = server.env_clear().envs(self.environment()).arg(argument).status()?;
        }
        Ok(())
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        if let Err(error) = self.end_session() {
            eprintln!("Wine's server was not ended: {error:#}");
        }
    }
}
