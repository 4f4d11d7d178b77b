//! A local agent ends with whoever started it, however that ends.

use infinictl::client::{Client, ClientError, Endpoint, LocalAgent};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

/// The stand-in for the agent, which cargo builds with the tests.
fn fake_agent() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_infinictl")).parent().unwrap().join("examples/fake_agent")
}

async fn local() -> Client {
    let agent = LocalAgent { agent: Some(fake_agent()), ..LocalAgent::default() };
    Client::connect(Endpoint::Local(agent)).await.unwrap()
}

fn watch(pid: u32) -> OwnedFd {
    pidfd_open(Pid::from_raw(pid.cast_signed()).unwrap(), PidfdFlags::empty()).unwrap()
}

/// A pidfd is readable once its process has ended: `pidfd_open(2)`.
fn has_ended(process: &OwnedFd) -> bool {
    let limit = Timespec { tv_sec: 20, tv_nsec: 0 };
    poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&limit)).unwrap() == 1
}

#[tokio::test]
async fn closing_ends_the_agent_in_order() {
    let client = local().await;
    client.metrics(LONG).await.unwrap();
    let agent = watch(client.agent_pid().unwrap());
    client.close().await;
    assert!(has_ended(&agent));
}

#[tokio::test]
async fn an_agent_that_dies_ends_the_connection_with_its_status() {
    let client = local().await;
    let pid = Pid::from_raw(client.agent_pid().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let ClientError::Closed { reason, .. } = client.closed().await else { panic!("not closed") };
    assert!(reason.contains("the agent ended (signal: 9"), "{reason}");
}

#[tokio::test]
async fn dropping_kills_the_agent() {
    let client = local().await;
    let agent = watch(client.agent_pid().unwrap());
    drop(client);
    // The supervisor is dropped when the runtime comes to it.
    tokio::task::yield_now().await;
    assert!(has_ended(&agent));
}

#[test]
fn an_agent_does_not_outlive_an_infinictl_that_was_killed() {
    let mut infinictl = Command::new(env!("CARGO_BIN_EXE_infinictl"))
        .args(["--local", "--json", "watch", "--agent"])
        .arg(fake_agent())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(infinictl.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let id = infinictl.id();
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let agent = watch(children.split_whitespace().next().unwrap().parse().unwrap());
    infinictl.kill().unwrap();
    infinictl.wait().unwrap();
    assert!(has_ended(&agent));
}
