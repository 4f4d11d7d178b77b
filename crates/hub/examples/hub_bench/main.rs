//! What a hub of many machines costs, beside others that read as many: `cargo xtask bench --hub`.

#[cfg(target_os = "linux")]
mod asked;
#[cfg(target_os = "linux")]
mod host;
#[cfg(target_os = "linux")]
mod peers;
#[cfg(target_os = "linux")]
mod read;
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
    /// Where infinihub and hub-sim are
    #[arg(long)]
    programs: PathBuf,
    /// Machines
    #[arg(long, default_value_t = 5000)]
    count: usize,
    /// Seconds of each of the three windows of a measurement
    #[arg(long, default_value_t = 20)]
    window: u64,
    /// Read all sockets of this directory with infinictl's library, until ended: the alternative, as a process of its own
    #[arg(long)]
    reader: Option<PathBuf>,
}

#[cfg(target_os = "linux")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let Some(directory) = &cli.reader {
        return read::all_of(directory).await;
    }
    let mut table = table::Table::default();
    read::shares(&cli, &mut table).await?;
    asked::all(&cli, &mut table).await?;
    peers::libvirt_exporter(&mut table).await?;
    table.print();
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    Cli::parse();
    println!("infinihub runs on Linux only");
}
