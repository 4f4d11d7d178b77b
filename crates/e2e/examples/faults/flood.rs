//! Commands at full speed, each of them accounted for.

use crate::target::{TIMEOUT, Target};
use anyhow::{Result, ensure};
use clap::Args;
use infiniservice_e2e::raw::RawHost;
use std::time::Instant;

/// Commands as fast as the agent takes them; every response is accounted for
#[derive(Args)]
pub struct Flood {
    /// Commands in all.
    #[arg(long, default_value_t = 100_000)]
    commands: u64,
    /// Commands in flight at most; 0: no bound, the agent has to refuse some.
    #[arg(long, default_value_t = 0)]
    window: usize,
    /// In the virtual machine instead of on a pty.
    #[arg(long)]
    vm: bool,
}

impl Flood {
    /// Pours them out and waits for every answer.
    pub fn run(&self) -> Result<()> {
        let (mut target, mut host) = Target::start(self.vm, "")?;
        let begin = Instant::now();
        self.pour(&mut host)?;
        host.settle(TIMEOUT)?;
        let secs = begin.elapsed().as_secs_f64();
        let rate = self.commands as f64 / secs;
        println!(
            "{} commands on {} in {secs:.1} s ({rate:.0}/s): {}",
            self.commands,
            target.place(),
            host.ledger
        );
        println!("the agent afterwards: {:?}", target.held()?);
        ensure!(host.ledger.is_balanced(), "the account does not balance");
        let refused = host.ledger.with_code("QUEUE_FULL");
        ensure!(self.window == 0 || self.window > 64 || refused == 0, "{refused} refused for want of room");
        Ok(())
    }

    fn pour(&self, host: &mut RawHost) -> Result<()> {
        let mut number = 0;
        while number < self.commands {
            while number < self.commands && host.may_ask() && self.is_open(host) {
                host.ask(&command(number));
                if self.window == 0 && number % 16 == 0 {
                    let _metrics = host.ask_metrics();
                }
                number += 1;
            }
            ensure!(host.turn(TIMEOUT)?, "the connection ended: {}", host.ledger);
        }
        Ok(())
    }

    fn is_open(&self, host: &RawHost) -> bool {
        self.window == 0 || host.ledger.open() < self.window
    }
}

/// Reads that share an execution, reads that do not, refusals, and what fails.
fn command(number: u64) -> String {
    match number % 8 {
        0..4 => r#""action":"ProcessList","limit":1"#.to_owned(),
        4 | 5 => format!(r#""action":"ProcessList","limit":1,"filter":"no-such-{number}""#),
        6 => r#""action":"ProcessKill","pid":2147483647"#.to_owned(),
        _ => r#""action":"NoSuchAction""#.to_owned(),
    }
}
