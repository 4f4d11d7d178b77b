//! Hosts that come and go on the machine's port, a thousand of them.

use crate::target::TIMEOUT;
use anyhow::{Context, Result, ensure};
use clap::Args;
use infiniservice_e2e::raw::RawHost;
use infiniservice_e2e::{Guest, cost};
use std::time::{Duration, Instant};

/// Host connects on the port of the virtual machine, each served
#[derive(Args)]
pub struct Connects {
    /// How many.
    #[arg(long, default_value_t = 1000)]
    count: u32,
}

/// Growth over all of them that is none, kB.
const RSS_SLACK_KB: u64 = 2048;

impl Connects {
    /// Each host pings and has a command answered; every tenth asks for metrics too, every third leaves half a line.
    pub fn run(&self) -> Result<()> {
        let guest = Guest::boot()?;
        let (before, begin) = (cost::of_agent(&guest)?, Instant::now());
        let (mut answered, mut slowest) = (0, Duration::ZERO);
        for number in 0..self.count {
            let mut host = RawHost::connect(&guest.machine.agent_socket(), &format!("connect-{number}-"))?;
            host.ping();
            host.ask(r#""action":"ProcessList","limit":1"#);
            if number % 10 == 0 {
                let _metrics = host.ask_metrics();
            }
            host.settle(TIMEOUT).with_context(|| format!("host {number}"))?;
            ensure!(host.ledger.is_balanced(), "host {number}: {}", host.ledger);
            (answered, slowest) = (answered + host.ledger.answered, slowest.max(host.ledger.slowest));
            if number % 3 == 0 {
                host.mutter(b"{\"type\":\"SafeCommand\",\"id\":\"torn");
                host.turn(Duration::ZERO)?;
            }
        }
        let (after, secs) = (cost::of_agent(&guest)?, begin.elapsed().as_secs_f64());
        println!(
            "{} hosts in {secs:.0} s: {answered} answers, 0 lost; the slowest took {:.2} s",
            self.count,
            slowest.as_secs_f64()
        );
        println!("before {before:?}\nafter  {after:?}");
        ensure!(after.descriptors <= before.descriptors + 2, "descriptors grew");
        ensure!(after.rss_kb <= before.rss_kb + RSS_SLACK_KB, "the resident set grew");
        Ok(())
    }
}
