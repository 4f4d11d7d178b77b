//! What reading them all the time takes: of the hub, and of `infinictl`'s library.

use crate::Cli;
use crate::host::{Guests, Hub};
use crate::peers::get;
use crate::running::Running;
use crate::table::{Table, median, reached};
use anyhow::{Context as _, Result};
use infinictl::client::{Client, Endpoint};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Windows of a measurement; the median counts.
const WINDOWS: usize = 3;
/// From the start to the first window: everything has been said once.
const SETTLES: Duration = Duration::from_secs(35);

/// Lines of so many bytes each so many seconds, and the share of a core that is the goal. Lines of 2.2 kB are `system` alone.
const LOADS: [(u64, &str, f64, &str); 2] =
    [(30, "40000", 4.0, "≤ 4 % of a core, ≤ 120 MB"), (1, "2200", 12.0, "≤ 12 % of a core")];

/// Each load, with the hub and then with the library.
pub async fn shares(cli: &Cli, table: &mut Table) -> Result<()> {
    for (seconds, bytes, most, target) in LOADS {
        let guests = Guests::start(cli, &seconds.to_string(), bytes)?;
        let hub = guests.hub(cli).await?;
        tokio::time::sleep(SETTLES).await;
        let (share, pace) = of_the_hub(&hub, cli, seconds).await?;
        let memory = hub.process.memory("VmRSS")?;
        drop(hub);
        let library = reader(&guests)?;
        tokio::time::sleep(SETTLES).await;
        let mut others = Vec::new();
        for _ in 0..WINDOWS {
            others.push(share_of(&library, cli).await?.0);
        }
        let (other, other_memory) = (median(others) / pace, library.memory("VmRSS")?);
        table.row(
            &format!("{} machines, lines of {bytes} bytes each {seconds} s", cli.count),
            &format!("{share:.1} % of a core, {memory:.0} MB"),
            &format!("{other:.1} %, {other_memory:.0} MB (infinictl's library)"),
            &reached(share, if memory <= 120.0 { most } else { 0.0 }, target),
        );
    }
    Ok(())
}

/// Share of a core, were every line on time, and what part of them was: a computer that has other work lets the guests lag, and
/// then the share alone would flatter.
async fn of_the_hub(hub: &Hub, cli: &Cli, seconds: u64) -> Result<(f64, f64)> {
    let due_a_second = cli.count as f64 / seconds as f64;
    let (mut shares, mut paces) = (Vec::new(), Vec::new());
    for _ in 0..WINDOWS {
        let before = lines(hub).await?;
        let (share, elapsed) = share_of(&hub.process, cli).await?;
        let pace = (lines(hub).await? - before) / elapsed / due_a_second;
        shares.push(share / pace);
        paces.push(pace);
    }
    let pace = median(paces);
    eprintln!("{:.0} % of the lines were on time", pace * 100.0);
    Ok((median(shares), pace))
}

/// Lines of figures that the hub has read.
async fn lines(hub: &Hub) -> Result<f64> {
    let text = get(hub.address, "/metrics").await?;
    let of_figures = r#"infini_hub_lines_total{type="system_metrics"} "#;
    let value = text.lines().find_map(|line| line.strip_prefix(of_figures)).context("no lines are told")?;
    Ok(value.parse()?)
}

/// Share of a core over a window, in per cent, and how long that was.
async fn share_of(process: &Running, cli: &Cli) -> Result<(f64, f64)> {
    let (before, began) = (process.cpu()?, Instant::now());
    tokio::time::sleep(Duration::from_secs(cli.window)).await;
    let (spent, elapsed) = (process.cpu()?.saturating_sub(before), began.elapsed().as_secs_f64());
    Ok((spent.as_secs_f64() / elapsed * 100.0, elapsed))
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
