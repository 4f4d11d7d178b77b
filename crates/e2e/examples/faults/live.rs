//! The real agent for half an hour and more, under a mixed load: nothing that it holds may grow.

use crate::growth::Watch;
use crate::target::{TIMEOUT, Target};
use anyhow::{Result, ensure};
use clap::Args;
use infiniservice_e2e::raw::RawHost;
use std::time::{Duration, Instant};

/// The real agent under a mixed load; fails when its resident set, descriptors or threads grow
#[derive(Args)]
pub struct Live {
    /// How long, in minutes.
    #[arg(long, default_value_t = 30)]
    minutes: u32,
    /// In the virtual machine instead of on a pty.
    #[arg(long)]
    vm: bool,
}

const SETTINGS: &str = "collection_interval_secs = 2\nkeep_alive_interval_secs = 5\n";
/// Samples over the whole time.
const SAMPLES: u32 = 30;
/// Between two rounds of questions.
const PAUSE: Duration = Duration::from_millis(250);

impl Live {
    /// Runs it, and prints what was held.
    pub fn run(&self) -> Result<()> {
        let (mut target, mut host) = Target::start(self.vm, SETTINGS)?;
        let mut watch = Watch::default();
        let begin = Instant::now();
        let length = Duration::from_secs(60) * self.minutes;
        let mut stirrer = Stirrer::default();
        println!("{}", Watch::HEAD);
        for sample in 0..=SAMPLES {
            while begin.elapsed() < length * sample / SAMPLES {
                stirrer.stir(&mut host);
                ensure!(host.serve(PAUSE)?, "the connection ended: {}", host.ledger);
            }
            host.settle(TIMEOUT)?;
            host.ledger.forget();
            println!("{}", watch.sample(target.held()?));
        }
        println!("{} minutes on {}: {}", self.minutes, target.place(), host.ledger);
        let account = &host.ledger;
        println!("{} heartbeats, {} metrics, {} errors", account.heartbeats, account.metrics, account.errors);
        ensure!(host.ledger.is_balanced(), "the account does not balance");
        watch.judge()
    }
}

/// Asks by turns.
#[derive(Default)]
struct Stirrer {
    round: u64,
    metrics: String,
}

impl Stirrer {
    /// Reads of all kinds, refusals, garbage, and a line too long now and then.
    fn stir(&mut self, host: &mut RawHost) {
        let round = self.round;
        self.round += 1;
        host.ping();
        host.ask(&format!(r#""action":"ProcessList","filter":"{}""#, round % 1000));
        match round % 8 {
            // One at a time, however slow the machine is: of many only the last eight are answered with figures.
            0 if !host.ledger.waits_for(&self.metrics) => self.metrics = host.ask_metrics(),
            1 => drop(host.ask(r#""action":"PackageList","limit":100"#)),
            2 => drop(host.ask(r#""action":"ServiceList""#)),
            3 => host.mutter(b"neither JSON nor \xff UTF-8\n"),
            4 => drop(host.ask(r#""action":"ProcessKill","pid":2147483647"#)),
            5 => drop(host.ask(r#""action":"Autochecks""#)),
            6 => drop(host.ask(r#""action":"NoSuchAction""#)),
            7 if round % 256 == 7 => host.mutter(&[vec![b'x'; 2 << 20], b"\n".to_vec()].concat()),
            _ => drop(host.ask(r#""action":"ApplicationInventory","limit":10"#)),
        }
    }
}
