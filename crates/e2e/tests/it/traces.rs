//! What the real agent tells a host that traces its requests.

use anyhow::{Context, Result, ensure};
use infinictl::client::{Client, Endpoint, LocalAgent, Subscription};
use infiniservice_e2e::binary;
use infiniservice_e2e::messages::first;
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::trace::{StepName, Trace};
use serde_json::{Value, json};
use tempfile::TempDir;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn agent(dir: &TempDir) -> Result<Client> {
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "allow_unsafe_commands = true\n")?;
    let agent =
        LocalAgent { agent: Some(binary::tested_agent()?), config: Some(config), ..LocalAgent::default() };
    Ok(Client::connect(Endpoint::Local(agent)).await?)
}

/// The answer to a line with the id `t`.
async fn answer(client: &Client, lines: &mut Subscription, mut line: Value) -> Result<GuestMessage> {
    line["id"] = json!("t");
    client.send_raw(format!("{line}\n")).await?;
    first(lines, "an answer", |message| match message {
        GuestMessage::Response(response) if response.id == "t" => Some(message.clone()),
        GuestMessage::SystemMetrics(metrics) if metrics.request_id.as_deref() == Some("t") => {
            Some(message.clone())
        }
        GuestMessage::BatchResult(_) => Some(message.clone()),
        _ => None,
    })
    .await
}

fn told(message: &GuestMessage) -> Result<&Trace> {
    let trace = message.trace().with_context(|| format!("a trace in {message:?}"))?;
    ensure!(trace.traceparent == PARENT && trace.received_offset_ms == 0, "{trace:?}");
    ensure!(trace.started <= trace.ended, "{trace:?}");
    ensure!(trace.steps.iter().all(|step| step.start_ms <= step.end_ms), "{trace:?}");
    Ok(trace)
}

fn names(trace: &Trace) -> Vec<StepName> {
    trace.steps.iter().map(|step| step.name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raw_command_knows_its_trace_and_its_answer_where_the_time_went() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let client = agent(&dir).await?;
    let mut lines = client.subscribe();
    let command = "sleep 0.2; echo $TRACEPARENT $TRACESTATE";
    let line =
        json!({"type": "UnsafeCommand", "raw_command": command, "traceparent": PARENT, "tracestate": "v=1"});
    let message = answer(&client, &mut lines, line).await?;
    let GuestMessage::Response(response) = &message else { anyhow::bail!("{message:?}") };
    ensure!(response.stdout == format!("{PARENT} v=1\n"), "{response:?}");
    let trace = told(&message)?;
    ensure!(names(trace) == [StepName::Queue, StepName::Program], "{trace:?}");
    let program = &trace.steps[1];
    ensure!(program.end_ms - program.start_ms >= 200, "it slept: {trace:?}");
    client.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_and_reads_tell_it_too_and_what_is_malformed_is_ignored() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let client = agent(&dir).await?;
    let mut lines = client.subscribe();
    let metrics = answer(&client, &mut lines, json!({"type": "Metrics", "traceparent": PARENT})).await?;
    ensure!(names(told(&metrics)?) == [StepName::Queue, StepName::Read], "{:?}", metrics.trace());
    let malformed = json!({"type": "Metrics", "traceparent": PARENT.to_uppercase()});
    ensure!(answer(&client, &mut lines, malformed).await?.trace().is_none());
    let list = json!({"type": "SafeCommand", "command_type": {"action": "ProcessList", "limit": 1}, "traceparent": PARENT});
    let read = answer(&client, &mut lines, list).await?;
    ensure!(names(told(&read)?) == [StepName::Queue, StepName::Read], "{:?}", read.trace());
    client.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_and_its_commands_are_in_one_trace() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let client = agent(&dir).await?;
    let mut lines = client.subscribe();
    let mut responses = client.subscribe();
    let raw = json!({"type": "UnsafeCommand", "id": "1", "raw_command": "echo $TRACEPARENT"});
    let batch = json!({"type": "Batch", "commands": [raw], "traceparent": PARENT});
    told(&answer(&client, &mut lines, batch).await?)?;
    let response = first(&mut responses, "its command's answer", |message| match message {
        GuestMessage::Response(response) if response.id == "1" => Some(message.clone()),
        _ => None,
    });
    let message = response.await?;
    let GuestMessage::Response(response) = &message else { anyhow::bail!("{message:?}") };
    ensure!(
        response.stdout.trim() == PARENT && names(told(&message)?).contains(&StepName::Program),
        "{response:?}"
    );
    client.close().await;
    Ok(())
}
