//! The benchmark behind `cargo xtask bench`: what the agent costs and how fast it answers, beside qemu-ga and beside
//! floors that are measured in the same run. Prints a table; with `--write` also into `docs/benchmarks.md`.

mod children;
mod collection;
mod compressed;
mod document;
mod earlier;
mod exporter;
mod flood;
mod growth;
mod idle;
mod local;
mod machine;
mod peer;
mod process;
mod programs;
mod qga;
mod qga_port;
mod round_trip;
mod sealed;
mod setting;
mod stream;
mod syscalls;
mod table;
mod tools;
mod windows;

use anyhow::Result;
use clap::Parser;
use programs::Programs;
use std::path::PathBuf;
use std::time::Duration;
use table::Table;

/// What is measured, and for how long.
#[derive(Parser)]
struct Options {
    /// In the virtual machine instead of on a pty.
    #[arg(long)]
    vm: bool,
    /// Measure the Windows program under Wine instead.
    #[arg(long, conflicts_with = "vm")]
    windows: bool,
    /// Growth with processes and sockets instead.
    #[arg(long, conflicts_with_all = ["vm", "windows"])]
    growth: bool,
    /// System calls of a collection instead.
    #[arg(long, conflicts_with_all = ["vm", "windows", "growth"])]
    syscalls: bool,
    /// The QEMU guest agent's protocol, beside qemu-ga, instead; with `--vm` on a real port.
    #[arg(long, conflicts_with_all = ["windows", "growth", "syscalls"])]
    qga: bool,
    /// Beside this other program of the agent, both at the same time, instead.
    #[arg(long, value_name = "AGENT", conflicts_with_all = ["vm", "windows", "growth", "syscalls", "qga"])]
    earlier: Option<PathBuf>,
    /// Short windows and few rounds: shows that it works, gives rough figures.
    #[arg(long)]
    quick: bool,
    /// Put the table into `docs/benchmarks.md`.
    #[arg(long)]
    write: bool,
    /// The agent's release binary.
    #[arg(long)]
    agent: PathBuf,
    /// The built example `collector_bench` of the agent.
    #[arg(long)]
    collector_bench: PathBuf,
}

/// How long and how often.
pub struct Effort {
    /// Window for wake-ups and processor time.
    pub window: Duration,
    /// Round trips of each kind.
    pub round_trips: usize,
    /// Collections beside their floor.
    pub collections: usize,
    /// Runs of a command beside its tool.
    pub commands: usize,
    /// Hosts that come, ask and go.
    pub visits: usize,
}

impl Effort {
    fn new(quick: bool) -> Self {
        let pick = |full, short| if quick { short } else { full };
        Self {
            window: Duration::from_secs(pick(300, 60)),
            round_trips: pick(5000, 500) as usize,
            collections: pick(31, 7) as usize,
            commands: pick(31, 7) as usize,
            visits: pick(200, 60) as usize,
        }
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    let effort = Effort::new(options.quick);
    let programs =
        Programs { agent: options.agent.clone(), collector_bench: options.collector_bench.clone() };
    let before = setting::load_average();
    let (name, table) = measure(&options, &programs, &effort)?;
    let text = format!("{}\n{table}", setting::describe(name, options.quick, &before));
    println!("\n{text}");
    if options.write { document::put(name, &text) } else { Ok(()) }
}

/// The name of what was measured, and its table.
fn measure(options: &Options, programs: &Programs, effort: &Effort) -> Result<(&'static str, String)> {
    if options.growth {
        return Ok(("growth", growth::measure(programs, effort)?));
    }
    if options.syscalls {
        return Ok(("syscalls", syscalls::measure(programs)?));
    }
    let mut table = Table::default();
    let name = if let Some(other) = &options.earlier {
        earlier::measure(programs, other, effort, &mut table)?;
        "earlier"
    } else if options.windows {
        windows::measure(programs, effort, &mut table)?;
        "windows"
    } else if options.qga && options.vm {
        qga_port::measure(programs, effort, &mut table)?;
        "qga-vm"
    } else if options.qga {
        qga::measure(programs, effort, &mut table)?;
        "qga"
    } else if options.vm {
        machine::measure(programs, effort, &mut table)?;
        "vm"
    } else {
        local::measure(programs, effort, &mut table)?;
        "pty"
    };
    Ok((name, table.to_string()))
}
