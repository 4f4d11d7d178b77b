//! A host of the tests: the real `infinihub`, and simulated guests.

use anyhow::Result;
use infiniservice_e2e::running::free_address;
use infiniservice_e2e::{Running, hub};
use infiniservice_hub_sim::{Fault, Guest, Options};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
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
        let guests_in = hub::guests_in(directory.path());
        let hub = hub::start(directory.path(), &format!("{guests_in}listen = \"{address}\"\n"))?;
        Ok(Self { _hub: hub, address, _guests: guests, directory })
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
