//! What reading them all the time takes: of the hub, and of `infinictl`'s library.

use crate::Cli;
use crate::host::Guests;
use crate::running::Running;
use crate::table::{Table, median, reached};
use anyhow::Result;
use infinictl::client::{Client, Endpoint};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Windows of a measurement; the median counts.
const WINDOWS: usize = 3;
/// From the start to the first window: everything has been said once.
const SETTLES: Duration = Duration::from_secs(35);

/// Both intervals, each with the hub and then with the library.
pub async fn shares(cli: &Cli, table: &mut Table) -> Result<()> {
    for (interval, bytes, most, target) in
        [("30", "40000", 4.0, "≤ 4 % of a core, ≤ 120 MB"), ("1", "4000", 12.0, "≤ 12 % of a core")]
    {
        let guests = Guests::start(cli, interval, bytes)?;
        let hub = guests.hub(cli).await?;
        let (share, memory) = measured(&hub.process, cli).await?;
        drop(hub);
        let library = reader(&guests)?;
        let (other, other_memory) = measured(&library, cli).await?;
        let figure = format!(
            "{} machines, lines of {} kB each {interval} s",
            cli.count,
            bytes.trim_end_matches("000")
        );
        let target = reached(share, if memory <= 120.0 { most } else { 0.0 }, target);
        table.row(
            &figure,
            &format!("{share:.1} % of a core, {memory:.0} MB"),
            &format!("{other:.1} %, {other_memory:.0} MB (infinictl's library)"),
            &target,
        );
    }
    Ok(())
}

/// Share of a core in per cent, and resident megabytes at the end.
async fn measured(process: &Running, cli: &Cli) -> Result<(f64, f64)> {
    tokio::time::sleep(SETTLES).await;
    let mut shares = Vec::new();
    for _ in 0..WINDOWS {
        shares.push(share(process, Duration::from_secs(cli.window)).await?);
    }
    Ok((median(shares), process.memory("VmRSS")?))
}

/// Share of a core over a window, in per cent.
async fn share(process: &Running, window: Duration) -> Result<f64> {
    let (before, began) = (process.cpu()?, Instant::now());
    tokio::time::sleep(window).await;
    let spent = process.cpu()?.saturating_sub(before);
    Ok(spent.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0)
}

fn reader(guests: &Guests) -> Result<Running> {
    let mut command = Command::new(std::env::current_exe()?);
    Running::start(command.args(["--programs", "/", "--reader"]).arg(guests.sockets()), None)
}

/// What the process for the library does.
pub async fn all_of(directory: &Path) -> Result<()> {
    let mut clients = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        clients.push(Client::connect(Endpoint::Channel(entry?.path())).await?);
    }
    std::future::pending::<()>().await;
    drop(clients);
    Ok(())
}
