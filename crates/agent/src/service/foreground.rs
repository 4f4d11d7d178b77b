//! The agent as a process of its own: in a terminal, and under systemd.

use super::backstop::Backstop;
use super::bulk;
use super::qga::Plan;
use super::signals::OsSignals;
use super::{Ended, run};
use crate::config::Loaded;
use infiniservice_channel::transport::{DeviceOptions, NoTransport, SystemTransport};
use infiniservice_platform::clock::SystemClock;
use std::io;
use std::time::Duration;

/// Work on other threads has been told to end by now. What has not ended after this long hangs in the kernel, and ends
/// with the process.
const THREADS_END_WITHIN: Duration = Duration::from_millis(500);

/// Runs until a signal says stop, on a runtime of one thread. The caller has to end the process then: threads that hang in the
/// kernel are left behind.
pub fn run_process(config: Loaded) -> io::Result<Ended> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(serve(config));
    runtime.shutdown_timeout(THREADS_END_WITHIN);
    ended
}

async fn serve(config: Loaded) -> io::Result<Ended> {
    let settings = &config.settings;
    let mut signals = Backstop::new(OsSignals::install()?, settings.shutdown_timeout());
    let plan = Plan::of(settings);
    if plan.is_none() {
        infiniservice_qga_commands::recover();
    }
    if settings.no_virtio {
        return Box::pin(run(config, NoTransport, None, None, SystemClock::start(), &mut signals)).await;
    }
    let options = DeviceOptions::new(settings.device_path.clone(), !settings.disable_device_monitoring);
    let transport = SystemTransport::new(options.searching(settings.qga.search()));
    let guest_agent = plan.map(|plan| {
        let port = SystemTransport::new(plan.device.clone());
        (plan, port)
    });
    let bulk = bulk::device(settings).map(SystemTransport::new);
    Box::pin(run(config, transport, guest_agent, bulk, SystemClock::start(), &mut signals)).await
}
