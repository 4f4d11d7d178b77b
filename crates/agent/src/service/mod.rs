//! Lifecycle: the one main loop, its schedule, its shutdown.

mod adaptive;
mod agent;
#[cfg(test)]
mod agent_tests;
#[cfg(target_os = "linux")]
#[path = "alarm/linux.rs"]
mod alarm;
#[cfg(not(target_os = "linux"))]
#[path = "alarm/portable.rs"]
mod alarm;
mod backstop;
mod batches;
mod bulk;
mod config_watch;
mod deadlines;
pub(crate) mod demand;
#[cfg(target_os = "linux")]
#[path = "descriptors/linux.rs"]
pub(crate) mod descriptors;
#[cfg(not(target_os = "linux"))]
#[path = "descriptors/other.rs"]
pub(crate) mod descriptors;
mod foreground;
mod hello;
mod identity;
mod infinibay;
mod live;
#[cfg(all(test, target_os = "linux"))]
mod live_tests;
pub mod manager;
#[cfg(target_os = "linux")]
#[path = "notify/systemd.rs"]
pub(crate) mod notify;
#[cfg(target_os = "windows")]
#[path = "notify/windows.rs"]
pub(crate) mod notify;
mod own_key;
pub(crate) mod pace;
mod plugins;
mod qga;
mod reload;
pub(crate) mod schedule;
pub mod scm;
mod scripts;
mod seals;
mod settling;
mod shutdown;
pub mod signals;
mod signed;
mod sources;
mod standing;
mod streams;
mod traces;
mod wiring;

pub use agent::Ended;
pub(crate) use foreground::run_process;
pub(crate) use qga::for_diagnosis;

use crate::config::Loaded;
use infiniservice_channel::transport::Transport;
use infiniservice_platform::clock::Clock;
use signals::Signals;
use std::io;

/// Runs the agent until it is told to stop, in the foreground and under every service manager alike. To be called
/// inside a current-thread runtime.
async fn run<T: Transport, C: Clock>(
    config: Loaded,
    transport: T,
    guest_agent: Option<(qga::Plan, T)>,
    bulk: Option<T>,
    clock: C,
    signals: &mut impl Signals,
) -> io::Result<Ended> {
    let mut agent = wiring::agent(config, transport, guest_agent, bulk, clock)?;
    let ended = agent.run_until_stopped(signals).await;
    let who = match ended {
        Ended::Stopped(who) => who,
        Ended::NoDevice => "require_virtio",
    };
    agent.shut_down(who, signals).await;
    Ok(ended)
}
