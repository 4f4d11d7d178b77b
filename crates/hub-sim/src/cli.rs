//! The command line: simulated guests on sockets in a directory, to see what a host of that size needs.

use crate::{Fault, Guest, Options};
use anyhow::{Context as _, Result};
use clap::Parser;
use infiniservice_protocol::tags::Tags;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::task::LocalSet;

/// Lets simulated guests listen on sockets DIRECTORY/NAME-NUMBER.sock until it is ended.
#[derive(Parser)]
#[command(name = "hub-sim", version)]
struct Cli {
    /// Directory for the sockets
    directory: PathBuf,
    /// How many guests
    #[arg(long, default_value_t = 50)]
    count: usize,
    /// What their names begin with: of several hosts each wants its own
    #[arg(long, default_value = "sim")]
    name: String,
    /// Seconds between two lines of figures
    #[arg(long, default_value_t = 30.0)]
    interval: f64,
    /// Bytes of a line of figures
    #[arg(long, default_value_t = 40_000)]
    line_bytes: usize,
    /// Milliseconds that a command takes
    #[arg(long, default_value_t = 20)]
    delay: u64,
    /// What every guest does wrong
    #[arg(long, default_value = "none", value_parser = Fault::from_name)]
    fault: Fault,
    /// Let each guest have figures of its own, which move with time
    #[arg(long)]
    varied: bool,
    /// A tag that each guest gives itself (may be repeated)
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    tags: Vec<String>,
}

/// Parses the command line, and lets the guests listen until Ctrl-C; then it says what they went through.
///
/// # Errors
/// Where a socket cannot be made.
pub fn main() -> Result<()> {
    let cli = Cli::parse();
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).context("descriptors")?;
    std::fs::create_dir_all(&cli.directory).with_context(|| cli.directory.display().to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let guests: Vec<Guest> = (0..cli.count).map(|number| start(&cli, number)).collect::<Result<_>>()?;
        println!("{} guests listen in {}; Ctrl-C ends them", cli.count, cli.directory.display());
        tokio::signal::ctrl_c().await?;
        println!("{}", summary(&guests));
        Ok(())
    })
}

/// What all of them went through.
fn summary(guests: &[Guest]) -> String {
    let sum = |of: fn(&Guest) -> u64| guests.iter().map(of).sum::<u64>();
    let carried_out: Vec<_> = guests.iter().map(|guest| guest.carried_out().len()).collect();
    format!(
        "{} guests: {} connections, {} hellos, {} commands, at most {} in one guest",
        guests.len(),
        sum(Guest::connections),
        sum(Guest::hellos),
        carried_out.iter().sum::<usize>(),
        carried_out.iter().max().unwrap_or(&0),
    )
}

fn start(cli: &Cli, number: usize) -> Result<Guest> {
    let name = format!("{}-{number:04}", cli.name);
    let path = cli.directory.join(&name).with_extension("sock");
    let _left_behind_or_not = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).with_context(|| path.display().to_string())?;
    let options = Options {
        interval: Duration::try_from_secs_f64(cli.interval)?,
        line_bytes: cli.line_bytes,
        delay: Duration::from_millis(cli.delay),
        fault: cli.fault,
        varied: cli.varied,
        tags: Tags::parse(cli.tags.iter().map(String::as_str))?,
    };
    let guest = Guest::new(&name, options);
    tokio::task::spawn_local(guest.clone().serve_on(listener));
    Ok(guest)
}
