//! A day's traffic in a hundredth of its time.

use crate::growth::Watch;
use crate::target::{TIMEOUT, Target};
use anyhow::{Result, ensure};
use clap::Args;
use infiniservice_e2e::raw::RawHost;
use std::time::{Duration, Instant};

/// Ordinary traffic of many hours, many times as fast: what a host asks each 30 s, the agent's own heartbeats and
/// metrics, and a host that is restarted
#[derive(Args)]
pub struct Day {
    /// Hours of traffic.
    #[arg(long, default_value_t = 24)]
    hours: u32,
    /// How many times as fast.
    #[arg(long, default_value_t = 100)]
    times: u32,
    /// In the virtual machine instead of on a pty.
    #[arg(long)]
    vm: bool,
}

/// What a host asks in its round of 30 s: metrics, a ping, a read; each minute a list of services, each five one of packages.
const ROUND: Duration = Duration::from_secs(30);
/// The agent's own periods are whole seconds, so they go thirty times as fast at most.
const SETTINGS: &str =
    "collection_interval_secs = 1\nkeep_alive_interval_secs = 1\nhealth_check_interval_secs = 1\n";

impl Day {
    /// Lives through it.
    pub fn run(&self) -> Result<()> {
        let (mut target, mut host) = Target::start(self.vm, SETTINGS)?;
        let rounds = u64::from(self.hours) * 3600 / ROUND.as_secs();
        let begin = Instant::now();
        let mut watch = Watch::default();
        println!("{}", Watch::HEAD);
        let mut metrics = String::new();
        for round in 0..rounds {
            ask(round, &mut metrics, &mut host);
            let due = begin + ROUND * u32::try_from(round + 1)? / self.times;
            ensure!(host.serve(due.saturating_duration_since(Instant::now()))?, "the connection ended");
            if round % (rounds / 12).max(1) == 0 {
                println!("{}", watch.sample(target.held()?));
            }
        }
        host.settle(TIMEOUT)?;
        println!("{}", watch.sample(target.held()?));
        let secs = begin.elapsed().as_secs_f64();
        println!(
            "{} h of traffic in {secs:.0} s ({:.0} times as fast) on {}",
            self.hours,
            f64::from(self.hours) * 3600.0 / secs,
            target.place()
        );
        println!(
            "{}; {} heartbeats and {} metrics of the agent's own",
            host.ledger, host.ledger.heartbeats, host.ledger.metrics
        );
        ensure!(host.ledger.is_balanced(), "the account does not balance");
        watch.judge()
    }
}

/// On a machine too slow for it, metrics are asked for when the last ones have come.
fn ask(round: u64, metrics: &mut String, host: &mut RawHost) {
    if !host.ledger.waits_for(metrics) {
        *metrics = host.ask_metrics();
    }
    host.ping();
    host.ask(r#""action":"ProcessList","limit":20"#);
    if round.is_multiple_of(2) {
        host.ask(r#""action":"ServiceList""#);
    }
    if round.is_multiple_of(10) {
        host.ask(r#""action":"PackageList","limit":50"#);
    }
}
