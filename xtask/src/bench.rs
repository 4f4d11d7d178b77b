//! `cargo xtask bench`: builds the agent as it is released and the benchmark, and runs it.

use anyhow::Result;
use clap::Args;

use crate::steps::{cargo, root, run};

/// Measure the agent beside qemu-ga and beside floors of the same run; prints a table
#[derive(Args, Debug)]
pub struct Bench {
    /// In the virtual machine, on real ports, instead of on a pty.
    #[arg(long)]
    vm: bool,
    /// Short windows and few rounds, for rough figures.
    #[arg(long)]
    quick: bool,
    /// Put the table into docs/benchmarks.md.
    #[arg(long)]
    write: bool,
}

impl Bench {
    /// Builds and runs.
    pub fn run(&self) -> Result<()> {
        let build = ["build", "--release", "-p", "infiniservice", "--bin", "infiniservice"];
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
        run(cargo(&build).args(["--example", "collector_bench"]))?;
        let mut bench = cargo(&["run", "--quiet", "-p", "infiniservice-e2e", "--example", "bench", "--"]);
        let agent = target.join("release/infiniservice");
        // The machine of the tests takes the agent to install from there.
        bench.env("INFINISERVICE_AGENT", &agent).arg("--agent").arg(agent);
        bench.arg("--collector-bench").arg(target.join("release/examples/collector_bench"));
        let flags = [(self.vm, "--vm"), (self.quick, "--quick"), (self.write, "--write")];
        bench.args(flags.iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| flag));
        run(&mut bench)
    }
}
