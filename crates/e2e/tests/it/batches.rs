//! Batches on the real agent: order, all or none, the end of all of it, a connection that is cut.

use anyhow::{Context, Result, ensure};
use infinictl::client::{Client, Endpoint, LocalAgent, Subscription};
use infiniservice_e2e::binary;
use infiniservice_e2e::messages::first;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::batch::BatchResult;
use infiniservice_protocol::guest::{GuestMessage, Response};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const TIMEOUT: Duration = Duration::from_mins(3);

async fn agent(dir: &TempDir, more: &str) -> Result<Client> {
    let config = dir.path().join("config.toml");
    std::fs::write(&config, format!("allow_unsafe_commands = true\n{more}"))?;
    let agent = Some(binary::tested_agent()?);
    let agent = LocalAgent { agent, config: Some(config), ..LocalAgent::default() };
    Ok(Client::connect(Endpoint::Local(agent)).await?)
}

fn raw(id: &str, raw_command: &str) -> Value {
    json!({"type": "UnsafeCommand", "id": id, "raw_command": raw_command, "timeout": 170, "progress": true})
}

fn batch(id: &str, commands: &[Value], more: Value) -> String {
    let mut line = json!({"type": "Batch", "id": id, "commands": commands});
    if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
        line.extend(more);
    }
    format!("{line}\n")
}

fn response(message: &GuestMessage) -> Option<Response> {
    if let GuestMessage::Response(response) = message { Some(response.clone()) } else { None }
}

fn result(message: &GuestMessage) -> Option<BatchResult> {
    if let GuestMessage::BatchResult(result) = message { Some(result.clone()) } else { None }
}

/// The responses up to the result of the next batch, and that.
async fn answers(lines: &mut Subscription) -> Result<(Vec<Response>, BatchResult)> {
    let mut responses = Vec::new();
    loop {
        let next = first(lines, "an answer", |message| match message {
            GuestMessage::Response(_) | GuestMessage::BatchResult(_) => Some(message.clone()),
            _ => None,
        });
        match next.await? {
            GuestMessage::Response(response) => responses.push(response),
            message => return Ok((responses, result(&message).context("a result")?)),
        }
    }
}

fn ids(responses: &[Response]) -> Vec<&str> {
    responses.iter().map(|response| response.id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_run_in_their_order_and_none_after_one_that_failed() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let client = agent(&dir, "").await?;
    let hello = client.hello(TIMEOUT).await?;
    ensure!(hello.features.batch.as_ref().is_some_and(|limits| limits.max_commands == 64), "{hello:?}");
    let mut lines = client.subscribe();
    let trace = dir.path().join("trace");
    let note = |word: &str| format!("echo {word} >> {}", trace.display());
    let list =
        json!({"type": "SafeCommand", "id": "2", "command_type": {"action": "ProcessList", "limit": 1}});
    let commands = [
        raw("1", &note("one")),
        list,
        raw("3", &format!("{}; exit 5", note("three"))),
        raw("4", &note("four")),
    ];
    client.send_raw(batch("b", &commands, json!({}))).await?;
    let (responses, told) = answers(&mut lines).await?;
    ensure!(ids(&responses) == ["1", "2", "3", "4"], "{responses:?}");
    ensure!(responses[1].data["count"].as_u64().is_some_and(|count| count > 0), "{:?}", responses[1]);
    let final_response = &responses[3];
    ensure!(final_response.error_code == Some(ErrorCode::Cancelled), "{final_response:?}");
    ensure!(final_response.error.as_deref() == Some("an earlier command failed"), "{final_response:?}");
    let exits: Vec<_> = told.outcomes.iter().map(|outcome| (outcome.success, outcome.exit_code)).collect();
    ensure!(exits == [(true, Some(0)), (true, None), (false, Some(5)), (false, None)], "{told:?}");
    ensure!(std::fs::read_to_string(&trace)? == "one\nthree\n");
    client.send_raw(batch("b", &commands, json!({}))).await?;
    let (again, same) = answers(&mut lines).await?;
    ensure!(ids(&again) == ["1", "2", "3", "4"] && same.outcomes == told.outcomes, "{again:?}");
    ensure!(std::fs::read_to_string(&trace)? == "one\nthree\n", "it ran again");
    client.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_room_for_all_of_them_none_runs() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let client = agent(&dir, "max_queued_commands = 3\n").await?;
    let hello = client.hello(TIMEOUT).await?;
    ensure!(hello.features.batch.as_ref().is_some_and(|limits| limits.max_commands == 3), "{hello:?}");
    let mut lines = client.subscribe();
    let ran = dir.path().join("ran");
    let commands: Vec<_> = (0..4).map(|n| raw(&n.to_string(), &format!("touch {}", ran.display()))).collect();
    client.send_raw(batch("b", &commands, json!({"mode": "parallel"}))).await?;
    let refused = first(&mut lines, "a refusal", response).await?;
    ensure!(refused.id == "b" && refused.error_code == Some(ErrorCode::QueueFull), "{refused:?}");
    client.send_raw(batch("c", &commands[..3], json!({"mode": "parallel"}))).await?;
    let (responses, told) = answers(&mut lines).await?;
    ensure!(responses.len() == 3 && told.success, "{responses:?}");
    client.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_as_a_whole_it_leaves_no_process_and_begins_no_more() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let client = agent(&dir, "").await?;
    let mut lines = client.subscribe();
    let ran = dir.path().join("ran");
    let commands = [raw("1", "echo $$; sleep 3600 & wait"), raw("2", &format!("touch {}", ran.display()))];
    client.send_raw(batch("b", &commands, json!({"on_error": "continue"}))).await?;
    let begun = first(&mut lines, "output", |message| match message {
        GuestMessage::Output(output) => Some(output.clone()),
        _ => None,
    });
    let pid: u32 = begun.await?.text.trim().parse()?;
    client.send_raw("{\"type\":\"Cancel\",\"id\":\"x\",\"target\":\"b\"}\n").await?;
    let (responses, told) = answers(&mut lines).await?;
    ensure!(responses.iter().all(|one| one.error_code == Some(ErrorCode::Cancelled)), "{responses:?}");
    ensure!(responses.len() == 2 && !told.success, "{told:?}");
    let cancel = first(&mut lines, "the answer to Cancel", response).await?;
    ensure!(cancel.id == "x" && cancel.data["outcome"] == "cancelled", "{cancel:?}");
    ensure!(!ran.exists() && !Path::new(&format!("/proc/{pid}")).exists(), "it is still there");
    client.close().await;
    Ok(())
}
