//! What one order to a whole fleet takes, and the figures of all its machines: `cargo xtask bench --fleet`.
//!
//! Server and coordinator are the real programs. The hubs are simulated, all in one process: they connect, check signatures and tell
//! results as `infinihub` does, and have neither a ledger nor guests' sockets.

#[cfg(target_os = "linux")]
mod figures;
#[cfg(target_os = "linux")]
mod hubs;
#[cfg(target_os = "linux")]
mod order;
#[cfg(target_os = "linux")]
mod peers;
#[cfg(target_os = "linux")]
#[path = "../support/running.rs"]
mod running;
#[cfg(target_os = "linux")]
#[path = "../support/table.rs"]
mod table;

use clap::Parser;
use std::path::PathBuf;

#[derive(Parser)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "infinihub runs on Linux only"))]
struct Cli {
    /// Where infinihub is
    #[arg(long, default_value = ".")]
    programs: PathBuf,
    /// Hubs
    #[arg(long, default_value_t = 500)]
    hubs: usize,
    /// Machines of each hub
    #[arg(long, default_value_t = 200)]
    machines: usize,
    /// Orders, of which the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only the figures at an exporter, no orders
    #[arg(long)]
    only_figures: bool,
    /// Be the simulated hubs of the server at this address, until ended
    #[arg(long, hide = true)]
    of_server: Option<String>,
}

#[cfg(target_os = "linux")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let Some(url) = &cli.of_server {
        return hubs::all(url, &cli).await;
    }
    let mut table = table::Table::default();
    if !cli.only_figures {
        order::rounds(&cli, &mut table).await?;
        peers::ansible(&cli, &mut table)?;
    }
    figures::measure(&cli, &mut table).await?;
    table.print();
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    Cli::parse();
    println!("infinihub runs on Linux only");
}
