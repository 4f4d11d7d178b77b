//! The agent as a process of its own: in a terminal, and under systemd.

use super::signals::OsSignals;
use super::{Ended, run};
use crate::clock::SystemClock;
use crate::communication::transport::{DeviceOptions, NoTransport, SystemTransport};
use crate::config::Loaded;
use std::io;

/// Runs until a signal says stop, on a runtime of one thread.
pub fn run_process(config: Loaded) -> io::Result<Ended> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(config))
}

async fn serve(config: Loaded) -> io::Result<Ended> {
    let mut signals = OsSignals::install()?;
    let settings = &config.settings;
    if settings.no_virtio {
        return run(config, NoTransport, SystemClock::start(), &mut signals).await;
    }
    let options = DeviceOptions::new(settings.device_path.clone(), !settings.disable_device_monitoring);
    run(config, SystemTransport::new(options), SystemClock::start(), &mut signals).await
}
