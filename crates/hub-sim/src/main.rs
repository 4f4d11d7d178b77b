//! `hub-sim`: simulated guests on sockets in a directory, to see what a host of that size needs.
#![forbid(unsafe_code)]

use anyhow::{Context as _, Result};
use clap::Parser;
use infiniservice_hub_sim::{Fault, Guest, Options};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::task::LocalSet;

/// Lets simulated guests listen on sockets DIRECTORY/sim-NUMBER.sock until it is ended.
#[derive(Parser)]
#[command(name = "hub-sim", version)]
struct Cli {
    /// Directory for the sockets
    directory: PathBuf,
    /// How many guests
    #[arg(long, default_value_t = 50)]
    count: usize,
    /// Seconds between two lines of figures
    #[arg(long, default_value_t = 30.0)]
    interval: f64,
    /// Bytes of a line of figures
    #[arg(long, default_value_t = 40_000)]
    line_bytes: usize,
    /// Milliseconds that a command takes
    #[arg(long, default_value_t = 20)]
    delay: u64,
    /// The fault of every guest
    #[arg(long, default_value = "none", value_parser = Fault::from_name)]
    fault: Fault,
    /// Give each guest its own figures, which change with time
    #[arg(long)]
    varied: bool,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).context("descriptors")?;
    std::fs::create_dir_all(&cli.directory).with_context(|| cli.directory.display().to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        for number in 0..cli.count {
            start(&cli, number)?;
        }
        println!("{} guests listen in {}; Ctrl-C ends them", cli.count, cli.directory.display());
        Ok(tokio::signal::ctrl_c().await?)
    })
}

fn start(cli: &Cli, number: usize) -> Result<()> {
    let name = format!("sim-{number:04}");
    let path = cli.directory.join(&name).with_extension("sock");
    let _left_behind_or_not = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).with_context(|| path.display().to_string())?;
    let options = Options {
        interval: Duration::try_from_secs_f64(cli.interval)?,
        line_bytes: cli.line_bytes,
        delay: Duration::from_millis(cli.delay),
        fault: cli.fault,
        varied: cli.varied,
    };
    tokio::task::spawn_local(Guest::new(&name, options).serve_on(listener));
    Ok(())
}
