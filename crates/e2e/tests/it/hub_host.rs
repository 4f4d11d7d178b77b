//! A host of the tests: the real `infinihub`, and simulated guests.

use anyhow::{Context, Result};
use infiniservice_e2e::binary::tested;
use infiniservice_hub_sim::{Fault, Guest, Options};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;

/// All of it ends with this.
pub struct HubHost {
    hub: Child,
    /// Where it serves over TCP.
    pub address: SocketAddr,
    _guests: Runtime,
    directory: TempDir,
}

impl Drop for HubHost {
    fn drop(&mut self) {
        let _gone_already = self.hub.kill();
        let _ended = self.hub.wait();
    }
}

impl HubHost {
    /// Starts the hub with these guests, which tell figures ten times a second.
    pub fn start(guests: &[(&str, Fault)]) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let guests = listening(directory.path(), guests)?;
        // A port that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let root = directory.path().display();
        let config = format!(
            "sources = [\"{root}/{{vm}}.guest\"]\napi_socket = \"{root}/api.sock\"\nwire_socket = \"{root}/wire.sock\"\n\
             secrets_dir = \"{root}/secrets\"\nstate_dir = \"{root}/state\"\nlisten = \"{address}\"\n"
        );
        let path = directory.path().join("config.toml");
        fs::write(&path, config)?;
        let hub = Command::new(tested("infinihub")?)
            .arg("--config")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("infinihub cannot be started")?;
        Ok(Self { hub, address, _guests: guests, directory })
    }

    /// Where its sockets are.
    pub fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }
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
