//! A host of the tests: the real `infinihub`, and simulated guests.

use anyhow::{Context, Result};
use infiniservice_e2e::Running;
use infiniservice_e2e::binary::tested;
use infiniservice_e2e::running::free_address;
use infiniservice_hub_sim::{Fault, Guest, Options};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;

/// All of it ends with this.
pub struct HubHost {
    _hub: Running,
    /// Where it serves over TCP.
    pub address: SocketAddr,
    _guests: Runtime,
    directory: TempDir,
}

impl HubHost {
    /// Starts the hub with these guests, which tell figures ten times a second.
    pub fn start(guests: &[(&str, Fault)]) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let guests = listening(directory.path(), guests)?;
        let address = free_address()?;
        let hub = start(directory.path(), &format!("listen = \"{address}\"\n"))?;
        Ok(Self { _hub: hub, address, _guests: guests, directory })
    }

    /// Where its sockets are.
    pub fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }
}

/// Starts the hub of the guests whose sockets are `NAME.guest` in a directory. Its own files are there, too; `more` is the rest of
/// its settings.
pub fn start(directory: &Path, more: &str) -> Result<Running> {
    let (root, path) = (directory.display(), directory.join("config.toml"));
    let config = format!(
        "sources = [\"{root}/{{vm}}.guest\"]\napi_socket = \"{root}/api.sock\"\nwire_socket = \"{root}/wire.sock\"\n\
         secrets_dir = \"{root}/secrets\"\nstate_dir = \"{root}/state\"\n{more}"
    );
    fs::write(&path, config)?;
    let mut command = Command::new(tested("infinihub")?);
    command.arg("--config").arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(Running(command.spawn().context("infinihub cannot be started")?))
}

fn listening(directory: &Path, guests: &[(&str, Fault)]) -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let entered = runtime.enter();
    for &(name, fault) in guests {
        let listener = UnixListener::bind(directory.join(format!("{name}.guest")))?;
        let options = Options { interval: Duration::from_millis(100), fault, ..Options::default() };
        runtime.spawn(Guest::new(name, options).serve_on(listener));
    }
    drop(entered);
    Ok(runtime)
}
