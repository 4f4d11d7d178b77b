//! Faults of the machine around the agent: each with what was lost (nothing may be), and how long it took to be back.

pub mod bus;
pub mod clock;
pub mod descriptors;
pub mod disk;
pub mod flood;
pub mod hidden_proc;
pub mod kills;
pub mod memory;
pub mod migration;
pub mod suspend;

use anyhow::{Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_e2e::raw::RawHost;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const PROCESSES: &str = r#""action":"ProcessList","limit":5"#;
const SERVICES: &str = r#""action":"ServiceList""#;
const PACKAGES: &str = r#""action":"PackageList","limit":5"#;

/// A host whose ids nobody else has.
fn host(guest: &Guest) -> Result<RawHost> {
    static HOSTS: AtomicU32 = AtomicU32::new(1);
    let number = HOSTS.fetch_add(1, Ordering::Relaxed);
    RawHost::connect(&guest.machine.agent_socket(), &format!("faults-{number}-"))
}

/// Commands of several kinds, metrics and a ping.
fn ask_some(host: &mut RawHost) {
    for command in [PROCESSES, SERVICES, PACKAGES] {
        host.ask(command);
        host.ask(command);
    }
    let _metrics = host.ask_metrics();
    host.ping();
}

/// Has commands under way while `fault` begins, asks more when it is there, and waits for all answers; tells the account.
fn under<T>(guest: &Guest, what: &str, fault: impl FnOnce(&Guest) -> Result<T>) -> Result<(RawHost, T)> {
    let mut host = host(guest)?;
    host.ping();
    host.settle(TIMEOUT)?;
    ask_some(&mut host);
    host.turn(Duration::from_millis(50))?;
    let happened = fault(guest)?;
    let back = back(&mut host)?;
    ask_some(&mut host);
    host.settle(TIMEOUT)?;
    told(what, &host, back)?;
    Ok((host, happened))
}

/// How long a ping takes from now on.
fn back(host: &mut RawHost) -> Result<Duration> {
    let begin = Instant::now();
    let open = host.ledger.with_code("pong");
    host.ping();
    while host.ledger.with_code("pong") == open {
        ensure!(host.turn(TIMEOUT)?, "the connection ended: {}", host.ledger);
        ensure!(begin.elapsed() < TIMEOUT, "no pong: {}", host.ledger);
    }
    Ok(begin.elapsed())
}

/// Prints the account, which has to balance.
fn told(what: &str, host: &RawHost, back: Duration) -> Result<()> {
    println!("  {what}: {}; back after {:.1} s", host.ledger, back.as_secs_f64());
    ensure!(host.ledger.is_balanced(), "the account does not balance: {}", host.ledger);
    Ok(())
}
