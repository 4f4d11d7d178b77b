//! A running agent whose configuration file is edited, and that nobody tells (`reload_on_change`).

use anyhow::{Result, ensure};
use infiniservice_e2e::binary;
use infiniservice_e2e::local::LocalAgent;
use infiniservice_e2e::raw::RawHost;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io::Write as _;
use std::time::{Duration, Instant};

/// Far above what is ever needed; only a test that fails waits for it.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Longer than changes take to settle.
const BEYOND_SETTLING: Duration = Duration::from_millis(1500);
const ON: &str = "reload_on_change = true\n";

struct Bench {
    agent: LocalAgent,
    host: RawHost,
}

impl Bench {
    /// An agent that has begun to watch.
    fn start(config: &str) -> Result<Self> {
        let (agent, master) = LocalAgent::start(&binary::tested_agent()?, config, &[])?;
        let mut host = RawHost::new(master, "live_config")?;
        host.ask_metrics();
        host.settle(TIMEOUT)?;
        Ok(Self { agent, host })
    }

    fn write(&self, text: &str) -> Result<()> {
        Ok(fs::write(self.agent.config(), format!("{ON}{text}"))?)
    }

    /// Waits, and lets the host read meanwhile.
    fn until_logged(&mut self, what: &str) -> Result<()> {
        let end = Instant::now() + TIMEOUT;
        while !self.agent.log()?.contains(what) {
            ensure!(Instant::now() < end, "not logged: {what:?}\n{}", self.agent.log()?);
            self.host.turn(Duration::from_millis(20))?;
        }
        Ok(())
    }

    /// The whole log, of an agent that ends.
    fn end(mut self) -> Result<String> {
        kill_process(Pid::from_raw(self.agent.pid().try_into()?).expect("a pid"), Signal::TERM)?;
        self.until_logged("stopped after")?;
        self.agent.log()
    }
}

#[test]
fn a_file_that_is_edited_is_read_without_a_signal_in_each_way_of_writing_it() -> Result<()> {
    let mut bench = Bench::start(ON)?;
    bench.write("max_processes = 7\n")?;
    bench.until_logged("changed: max_processes")?;
    let fresh = bench.agent.config().with_extension("new");
    fs::write(&fresh, format!("{ON}max_processes = 7\nmax_ports = 7\n"))?;
    fs::rename(&fresh, bench.agent.config())?;
    bench.until_logged("changed: max_ports")?;
    fs::write(bench.agent.config(), "max_processes = 7\nmax_ports = 7\n")?;
    bench.until_logged("changed: reload_on_change")?;
    fs::write(bench.agent.config(), "max_interfaces = 7\n")?;
    bench.host.serve(BEYOND_SETTLING)?;
    let log = bench.end()?;
    ensure!(!log.contains("max_interfaces") && log.contains(", 3 reloads"), "{log}");
    Ok(())
}

#[test]
fn a_wrong_file_leaves_the_old_configuration_in_force_and_is_told_once() -> Result<()> {
    let mut bench = Bench::start(&format!("{ON}vm_id = \"old\"\n"))?;
    for _ in 0..2 {
        bench.write("vm_id = \"new\"\ncolour = 1\n")?;
        bench.until_logged("configuration not reloaded, the old one stays in force")?;
        bench.host.serve(BEYOND_SETTLING)?;
    }
    bench.write("vm_id = \"old\"\nmax_ports = 7\n")?;
    bench.until_logged("configuration reloaded; changed: max_ports")?;
    let log = bench.end()?;
    ensure!(log.matches("not reloaded").count() == 1 && log.contains("unknown setting \"colour\""), "{log}");
    ensure!(!log.contains("changed: vm_id"), "the old one was not in force: {log}");
    Ok(())
}

#[test]
fn half_a_file_is_not_read_and_the_whole_one_is_read_once() -> Result<()> {
    let mut bench = Bench::start(ON)?;
    let mut file = File::create(bench.agent.config())?;
    file.write_all(ON.as_bytes())?;
    file.write_all(b"max_po")?;
    bench.host.serve(BEYOND_SETTLING)?;
    file.write_all(b"rts = 7\n")?;
    drop(file);
    bench.until_logged("changed: max_ports")?;
    bench.host.serve(BEYOND_SETTLING)?;
    let log = bench.end()?;
    ensure!(!log.contains("not reloaded") && log.matches("configuration reloaded").count() == 1, "{log}");
    ensure!(log.contains(", 1 reloads"), "{log}");
    Ok(())
}
