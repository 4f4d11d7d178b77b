//! A host that reads next to nothing, and then everything.

use crate::target::{TIMEOUT, Target};
use anyhow::{Result, ensure};
use clap::Args;
use infiniservice_e2e::raw::RawHost;
use std::time::{Duration, Instant};

/// A host that reads one byte a second while it asks; then it reads on at full speed, and no answer may be missing
#[derive(Args)]
pub struct Slow {
    /// Seconds of one byte each.
    #[arg(long, default_value_t = 300)]
    seconds: u32,
    /// Commands asked meanwhile, a few each second.
    #[arg(long, default_value_t = 2000)]
    commands: u32,
    /// In the virtual machine instead of on a pty.
    #[arg(long)]
    vm: bool,
}

impl Slow {
    /// Reads slowly, then catches up.
    pub fn run(&self) -> Result<()> {
        let (mut target, mut host) = Target::start(self.vm, "")?;
        let before = target.held()?;
        host.read_at_most = 1;
        let mut most = before.rss_kb;
        for second in 0..self.seconds {
            self.ask(second, &mut host);
            host.turn_slowly(Duration::from_secs(1))?;
            if second % 30 == 29 && matches!(target, Target::Pty(_)) {
                most = most.max(target.held()?.rss_kb);
            }
        }
        let waiting = host.ledger.open();
        host.read_at_most = usize::MAX;
        let begin = Instant::now();
        host.settle(TIMEOUT)?;
        println!(
            "{} s of one byte a second on {}, {waiting} of {} answers were missing then, all there after {:.1} s at full speed: {}",
            self.seconds,
            target.place(),
            host.ledger.asked,
            begin.elapsed().as_secs_f64(),
            host.ledger
        );
        println!(
            "resident set {} kB before, {most} kB at most, {} kB afterwards",
            before.rss_kb,
            target.held()?.rss_kb
        );
        // A connection that the agent gave up in between leaves half a line, which its next one ends.
        host.ledger.torn = 0;
        ensure!(host.ledger.is_balanced(), "the account does not balance");
        Ok(())
    }

    fn ask(&self, second: u32, host: &mut RawHost) {
        let upto = |second: u32| u64::from(self.commands) * u64::from(second) / u64::from(self.seconds);
        for number in upto(second)..upto(second + 1) {
            host.ask(&format!(r#""action":"ProcessList","limit":3,"filter":"{}""#, number % 10));
        }
    }
}
