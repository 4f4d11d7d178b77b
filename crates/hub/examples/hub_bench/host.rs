//! Simulated guests, and a hub of theirs.

use crate::Cli;
use crate::running::Running;
use anyhow::{Result, ensure};
use infinictl::client::Endpoint;
use infinictl::hub::Api;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(180);

/// Guests in a process of their own.
pub struct Guests {
    directory: tempfile::TempDir,
    count: usize,
    _process: Running,
}

/// A hub that serves all of them.
pub struct Hub {
    pub process: Running,
    /// Where it serves over TCP.
    pub address: SocketAddr,
}

impl Guests {
    /// Starts them: a line of so many bytes in each interval, in seconds.
    pub fn start(cli: &Cli, interval: &str, bytes: &str) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut command = Command::new(cli.programs.join("hub-sim"));
        command.arg(directory.path().join("guests")).args(["--interval", interval, "--line-bytes", bytes]);
        command.args(["--delay", "0", "--count", &cli.count.to_string()]);
        Ok(Self { _process: Running::start(&mut command, None)?, directory, count: cli.count })
    }

    /// Where their sockets are.
    pub fn sockets(&self) -> PathBuf {
        self.directory.path().join("guests")
    }

    /// The hub's API.
    pub fn api(&self) -> Api {
        Api::new(&self.directory.path().join("api.sock"))
    }

    /// A machine through the hub.
    pub fn through_the_hub(&self, vm: &str) -> Endpoint {
        Endpoint::Hub { socket: self.directory.path().join("wire.sock"), vm: vm.to_owned() }
    }

    /// A path for something else.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A hub of them, once all are up.
    pub async fn hub(&self, cli: &Cli) -> Result<Hub> {
        // A port that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let root = self.directory.path().display();
        let config = format!(
            "sources = [\"{root}/guests/{{vm}}.sock\"]\napi_socket = \"{root}/api.sock\"\nsecrets_dir = \"{root}/secrets\"\n\
             state_dir = \"{root}/state\"\nwire_socket = \"{root}/wire.sock\"\nlisten = \"{address}\"\n"
        );
        std::fs::write(self.path("config.toml"), config)?;
        let mut command = Command::new(cli.programs.join("infinihub"));
        let process = Running::start(command.arg("--config").arg(self.path("config.toml")), None)?;
        let began = Instant::now();
        loop {
            let up = self.api().get("/v1/vms?select=state%3Dup").await;
            if up.is_ok_and(|machines| machines.as_array().is_some_and(|all| all.len() == self.count)) {
                eprintln!("{} machines are served after {:.1} s", self.count, began.elapsed().as_secs_f64());
                return Ok(Hub { process, address });
            }
            ensure!(began.elapsed() < PATIENCE, "not all machines are up");
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
}
