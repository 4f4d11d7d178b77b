//! Many simulated guests, well and ill, and one real infinihub: nothing may be lost, and both sides' counts agree. `cargo xtask
//! test` runs it with 2,000 guests for a minute, `cargo xtask soak fleet` with more for longer.

#[cfg(target_os = "linux")]
mod guests;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
#[path = "../support/running.rs"]
mod running;

use clap::Parser;
use std::path::PathBuf;

#[derive(Parser)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "infinihub runs on Linux only"))]
struct Cli {
    /// The program infinihub
    #[arg(long)]
    hub: PathBuf,
    /// Simulated guests: 5 % hang, 10 % tear lines, 10 % come and go, 2 % send noise, 0.1 % flood
    #[arg(long, default_value_t = 2000)]
    guests: usize,
    /// For how long
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

#[cfg(target_os = "linux")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    load::run(Cli::parse()).await
}

#[cfg(not(target_os = "linux"))]
fn main() {
    Cli::parse();
    println!("infinihub runs on Linux only");
}
