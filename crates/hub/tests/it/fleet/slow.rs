//! What is slow or away: a host without a network for a minute, and disks that take their time.

use super::faults::{begun, slow};
use super::support::{Fleet, Setup};
use infiniservice_lab::nats::Setup as Server;
use infiniservice_lab::{FarHost, NatsServer, command};
use serde_json::json;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the host has no network.
const PARTITION: Duration = Duration::from_secs(60);
/// How long each write to the disk takes longer.
const SLOWER: &str = "100ms";

/// Whether programs are there that a test needs; says so where they are not.
fn there(programs: &[&str]) -> bool {
    let missing: Vec<_> = programs.iter().filter(|program| command::find(program).is_none()).collect();
    if !missing.is_empty() {
        println!("left out: {missing:?} not installed");
    }
    missing.is_empty()
}

#[tokio::test]
async fn a_host_without_a_network_for_a_minute_finishes_its_part_and_tells_it_afterwards() {
    if !(there(&["ip"]) && rustix::process::geteuid().is_root()) {
        println!("left out: a network of its own needs root");
        return;
    }
    let far = FarHost::new().unwrap();
    let server = NatsServer::set_up(Server { address: far.address(), ..Server::default() }).unwrap();
    // What the guests answer comes when the cable is out.
    let setup = Setup { size: (2, 6), options: slow(3_000), far: Some(&far), ..Setup::default() };
    let fleet = Fleet::set_up(server, setup).await;
    let order = fleet.alice.order("o", "all", &json!({"max_concurrency": 12}));
    fleet.submit(&fleet.alice.sign(&order), "o").await;
    begun(&fleet, 12).await;
    far.pull().unwrap();
    let pulled = Instant::now();
    let later = fleet.alice.order("later", "vm-*-1", &json!({}));
    fleet.submit(&fleet.alice.sign(&later), "later").await;
    let missed = "hub h2 has stopped responding";
    fleet.until("the far hub is missed", async || fleet.hosts[0].log().contains(missed).then_some(())).await;
    assert_eq!(fleet.carried_out()[6], 1, "a host without a network was given a command");
    let waiting = fleet.engine_of(1).await["results_waiting"].clone();
    assert_eq!(waiting, 6, "{}", fleet.logs());
    tokio::time::sleep(PARTITION.saturating_sub(pulled.elapsed())).await;
    far.plug().unwrap();
    let progress = fleet.finished("o").await;
    assert_eq!((progress.targets, progress.counts.answered), (12, 12), "{progress:?}\n{}", fleet.logs());
    let progress = fleet.finished("later").await;
    let counts = (progress.targets, progress.counts.answered, progress.counts.absent);
    assert!(matches!(counts, (2, 2, 0) | (2, 1, 1)), "{progress:?}\n{}", fleet.logs());
    let near = fleet.carried_out();
    assert_eq!((near[0], near.iter().sum::<usize>()), (2, 12 + progress.counts.answered as usize));
}

/// Slows what a process writes to its disk, until this is dropped.
struct SlowDisk(Child);

impl SlowDisk {
    /// Waits until it is so.
    fn of(pid: u32) -> Self {
        let mut command = Command::new(command::find("strace").unwrap());
        command.args(["-f", "-qq", "-o", "/dev/null", "-p", &pid.to_string(), "-e", "trace=fsync,fdatasync"]);
        command.args(["-e", &format!("inject=fsync,fdatasync:delay_exit={SLOWER}")]);
        let mut child = command.stdin(Stdio::null()).spawn().unwrap();
        let traced = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            !status.contains("TracerPid:\t0\n")
        };
        while !traced() {
            assert!(child.try_wait().unwrap().is_none(), "strace cannot attach");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self(child)
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _ended = self.0.wait();
    }
}

#[tokio::test]
async fn slow_disks_of_the_server_and_of_a_host_cost_time_and_nothing_else() {
    if !there(&["strace"]) {
        return;
    }
    let server = Server { jetstream: "sync_interval: always", ..Server::default() };
    let server = NatsServer::set_up(server).unwrap();
    let fleet = Fleet::over(server, 2, 8, &slow(10)).await;
    let _slow = [fleet.server.pid().unwrap(), fleet.hosts[0].pid()].map(SlowDisk::of);
    let order = fleet.alice.order("o", "all", &json!({"waves": ["canary:1", "rest"], "max_concurrency": 4}));
    fleet.submit(&fleet.alice.sign(&order), "o").await;
    let progress = fleet.finished("o").await;
    assert_eq!((progress.targets, progress.counts.answered), (16, 16), "{progress:?}\n{}", fleet.logs());
    assert_eq!((fleet.carried_out(), fleet.results("o").await.len()), (vec![1; 16], 16));
}
