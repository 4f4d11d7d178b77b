//! Commands of the real agent that are ended by their host, and whose output comes while they run.

use anyhow::{Result, ensure};
use infinictl::client::{Client, Endpoint, LocalAgent};
use infiniservice_e2e::binary;
use infiniservice_e2e::messages::first;
use infiniservice_protocol::guest::{GuestMessage, Output, OutputStream, Response};
use infiniservice_protocol::host::UnsafeCommand;
use infiniservice_protocol::{ErrorCode, HostMessage};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const TIMEOUT: Duration = Duration::from_mins(3);

async fn agent(dir: &TempDir) -> Result<Client> {
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "allow_unsafe_commands = true\n")?;
    let agent = Some(binary::tested_agent()?);
    let agent = LocalAgent { agent, config: Some(config), ..LocalAgent::default() };
    Ok(Client::connect(Endpoint::Local(agent)).await?)
}

fn line(id: &str, raw_command: String) -> String {
    let message = HostMessage::UnsafeCommand(UnsafeCommand {
        id: id.into(),
        raw_command,
        timeout: Some(170),
        progress: true,
        ..UnsafeCommand::default()
    });
    message.to_line(std::time::SystemTime::now())
}

fn response(message: &GuestMessage) -> Option<Response> {
    if let GuestMessage::Response(response) = message { Some(response.clone()) } else { None }
}

fn output(message: &GuestMessage) -> Option<Output> {
    if let GuestMessage::Output(output) = message { Some(output.clone()) } else { None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_is_cancelled_tells_what_it_said_and_leaves_no_process() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let client = agent(&dir).await?;
    let mut lines = client.subscribe();
    client.send_raw(line("long", "echo begun $$; sleep 3600 & wait".into())).await?;
    let begun = first(&mut lines, "output", output).await?;
    ensure!(begun.id == "long" && begun.seq == 1 && begun.stream == OutputStream::Stdout, "{begun:?}");
    let pid: u32 = begun.text.trim().trim_start_matches("begun ").parse()?;
    client.send_raw("{\"type\":\"Cancel\",\"id\":\"x\",\"target\":\"long\"}\n").await?;
    let ended = first(&mut lines, "the command's answer", response).await?;
    ensure!(ended.id == "long" && ended.error_code == Some(ErrorCode::Cancelled), "{ended:?}");
    ensure!(ended.stdout == begun.text, "{ended:?}");
    let told = first(&mut lines, "the answer to Cancel", response).await?;
    ensure!(told.id == "x" && told.success && told.data["outcome"] == "cancelled", "{told:?}");
    ensure!(!Path::new(&format!("/proc/{pid}")).exists(), "its shell is still there");
    client.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_comes_while_the_command_runs_and_its_answer_has_all_of_it() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let client = agent(&dir).await?;
    let mut lines = client.subscribe();
    let go = dir.path().join("go");
    let script = format!(
        "echo one; echo two >&2; while ! [ -e {go} ]; do sleep 0.01; done; echo three",
        go = go.display()
    );
    client.send_raw(line("live", script)).await?;
    let (mut out, mut err) = (String::new(), String::new());
    while out != "one\n" || err != "two\n" {
        let piece = first(&mut lines, "output", output).await?;
        if piece.stream == OutputStream::Stdout { out += &piece.text } else { err += &piece.text }
    }
    std::fs::write(&go, "")?;
    let answer = first(&mut lines, "the answer", response).await?;
    ensure!(answer.success && answer.stdout == "one\nthree\n" && answer.stderr == "two\n", "{answer:?}");
    client.ping(TIMEOUT).await?;
    let after = std::iter::from_fn(|| lines.try_next()).filter_map(|event| event.message().and_then(output));
    ensure!(after.count() == 0, "output after the answer");
    client.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_output_delays_neither_a_ping_nor_the_answer() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let client = agent(&dir).await?;
    let mut lines = client.subscribe();
    client.send_raw(line("flood", "head -c 200000000 /dev/zero | tr \'\\0\' x".into())).await?;
    let first_piece = first(&mut lines, "output", output).await?;
    ensure!(first_piece.text.len() <= 16 << 10, "{}", first_piece.text.len());
    client.ping(TIMEOUT).await?;
    let answer = first(&mut lines, "the answer", response).await?;
    ensure!(answer.success && answer.stdout_bytes == Some(200_000_000), "{:?}", answer.stdout_bytes);
    client.close().await;
    Ok(())
}
