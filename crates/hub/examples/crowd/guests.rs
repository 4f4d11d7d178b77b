//! The guests, of which a part does what it should not, and a hub of theirs.

use crate::running::Running;
use anyhow::{Context as _, Result};
use infiniservice_hub_sim::{Fault, Guest, Options};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::net::UnixListener;

/// Of a line of figures.
const LINE_BYTES: usize = 4000;
/// Between two lines of a guest that tears some: every tenth one.
const TEARING_EVERY: Duration = Duration::from_secs(1);
/// Between two lines of all others.
const EVERY: Duration = Duration::from_secs(10);

/// What a guest of this number does wrong, of each thousand alike.
fn fault(number: usize) -> Fault {
    match number % 1000 {
        0..50 => Fault::Hangs,
        50..150 => Fault::Torn,
        150..250 => Fault::Churns,
        250..270 => Fault::Noise,
        270 => Fault::Floods,
        _ => Fault::None,
    }
}

/// Starts so many, whose sockets are in this directory. Their names say what is wrong with them.
pub fn start(directory: &Path, count: usize) -> Result<Vec<Guest>> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).context("descriptors")?;
    std::fs::create_dir_all(directory)?;
    (0..count).map(|number| one(directory, number)).collect()
}

fn one(directory: &Path, number: usize) -> Result<Guest> {
    let fault = fault(number);
    let name = format!("{}-{number:05}", if fault == Fault::None { "well" } else { fault.name() });
    let interval = if fault == Fault::Torn { TEARING_EVERY } else { EVERY };
    let options = Options { interval, line_bytes: LINE_BYTES, fault, ..Options::default() };
    let guest = Guest::new(&name, options);
    let listener = UnixListener::bind(directory.join(&name).with_extension("sock"))
        .context("more guests want more descriptors: raise `ulimit -n`, two for each")?;
    tokio::spawn(guest.clone().serve_on(listener));
    Ok(guest)
}

/// Starts a hub of them, whose sockets and log are in this directory.
pub fn hub(program: &Path, directory: &Path) -> Result<Running> {
    let root = directory.display();
    let config = format!(
        "sources = [\"{root}/guests/{{vm}}.sock\"]\napi_socket = \"{root}/api.sock\"\n\
         wire_socket = \"{root}/wire.sock\"\nsecrets_dir = \"{root}/secrets\"\nstate_dir = \"{root}/state\"\nlisten = \"\"\n"
    );
    let path: PathBuf = directory.join("config.toml");
    std::fs::write(&path, config)?;
    Running::start(Command::new(program).arg("--config").arg(path), Some(&directory.join("log")))
}
