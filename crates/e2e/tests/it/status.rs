//! What the real agent answers over its status socket.
#![cfg(target_os = "linux")]

use anyhow::{Result, ensure};
use infinictl::client::{Client, Endpoint, LocalAgent};
use infiniservice_e2e::binary;
use serde_json::Value;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const TIMEOUT: Duration = Duration::from_mins(3);

/// What an agent with these variables answers, once it has answered its host.
async fn status(dir: &TempDir, variables: &[(&str, &str)]) -> Result<Value> {
    let mut env = vec![("RUNTIME_DIRECTORY".into(), dir.path().into())];
    env.extend(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    let agent = LocalAgent { agent: Some(binary::tested_agent()?), env, ..LocalAgent::default() };
    let client = Client::connect(Endpoint::Local(agent)).await?;
    client.ping(TIMEOUT).await?;
    let socket = dir.path().join("status.sock");
    let answer = tokio::task::spawn_blocking(move || ask(&socket)).await??;
    client.close().await;
    Ok(serde_json::from_str(&answer)?)
}

fn ask(socket: &Path) -> Result<String> {
    let mut answer = String::new();
    UnixStream::connect(socket)?.read_to_string(&mut answer)?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fence_that_was_promised_and_is_not_there_is_told_in_the_status() -> Result<()> {
    // As systemd starts a service, but nothing delegates a cgroup to this one.
    let as_service =
        [("INVOCATION_ID", "0123456789abcdef0123456789abcdef"), ("NOTIFY_SOCKET", "/nonexistent")];
    let told = status(&tempfile::tempdir()?, &as_service).await?;
    ensure!(told["commands_held_by"] == "process_table", "{told}");
    let problems = told["problems"].to_string();
    ensure!(problems.contains("commands have no cgroups of their own"), "{told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_fence_was_promised_none_is_missed() -> Result<()> {
    let told = status(&tempfile::tempdir()?, &[]).await?;
    ensure!(told["problems"] == serde_json::json!([]), "{told}");
    ensure!(told["commands_held_by"] == "process_table" && told["state"] == "connected", "{told}");
    Ok(())
}
