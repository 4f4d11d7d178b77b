//! Streams of metrics from the real agent.

use anyhow::{Context, Result, ensure};
use infinictl::client::{Client, ClientError, Endpoint, LocalAgent, Subscription};
use infiniservice_e2e::binary;
use infiniservice_e2e::messages::first;
use infiniservice_protocol::GuestMessage;
use infiniservice_protocol::stream::{Field, Fields, MAX_SUBSCRIPTIONS, Stream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_mins(3);
const QUICK: Duration = Duration::from_millis(250);

async fn agent() -> Result<Client> {
    let agent = LocalAgent { agent: Some(binary::tested_agent()?), ..LocalAgent::default() };
    Ok(Client::connect(Endpoint::Local(agent)).await?)
}

async fn sample(lines: &mut Subscription, number: u64) -> Result<Stream> {
    first(lines, "a sample", |message| match message {
        GuestMessage::Stream(sample) if sample.subscription == number => Some(sample.clone()),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_gets_the_figures_that_it_chose_in_order_until_it_ends_them() -> Result<()> {
    let client = agent().await?;
    let hello = client.hello(TIMEOUT).await?;
    let streams = hello.features.streams.as_ref().context("streams in hello")?;
    ensure!(streams.max_subscriptions == MAX_SUBSCRIPTIONS && hello.instance.len() == 32, "{hello:?}");
    let mut lines = client.subscribe();
    let fields = Fields::from_iter([Field::Cpu, Field::Memory]);
    let number = client.start_stream(QUICK, fields, TIMEOUT).await?;
    for seq in 1..=4 {
        let sample = sample(&mut lines, number).await?;
        ensure!(sample.seq == seq && sample.data.processes.is_none(), "{sample:?}");
        let (cpu, memory) = (sample.data.system.cpu, sample.data.system.memory);
        ensure!(cpu.is_some_and(|cpu| cpu.seconds.is_some()) && memory.is_some_and(|m| m.total_kb > 0));
        ensure!(sample.data.system.host.is_none(), "nobody chose the host's names");
    }
    client.stop_stream(number, TIMEOUT).await?;
    while lines.try_next().is_some() {}
    client.ping(TIMEOUT).await?;
    let again = client.start_stream(QUICK, fields, TIMEOUT).await?;
    ensure!(again > number);
    let next = sample(&mut lines, again).await?;
    ensure!(next.seq == 1, "{next:?}");
    client.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_nobody_renews_ends_the_stream() -> Result<()> {
    let client = agent().await?;
    let mut lines = client.subscribe();
    let leased = r#"{"type":"Subscribe","id":"s","interval_ms":250,"fields":["system.cpu"],"lease_secs":1}"#;
    client.send_raw(format!("{leased}\n")).await?;
    ensure!(sample(&mut lines, 1).await?.seq == 1);
    // Another stream's samples are the clock: at the same pace, twenty of them are five leases long.
    let other = client.start_stream(QUICK, Fields::from_iter([Field::Uptime]), TIMEOUT).await?;
    while sample(&mut lines, other).await?.seq < 20 {}
    let ended = client.stop_stream(1, TIMEOUT).await;
    ensure!(matches!(ended, Err(ClientError::Refused { .. })), "{ended:?}");
    client.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_not_too_many_streams_and_a_repeated_wish_begins_no_second_one() -> Result<()> {
    let client = agent().await?;
    let mut lines = client.subscribe();
    let wish = |id: usize| {
        format!(
            "{{\"type\":\"Subscribe\",\"id\":\"s{id}\",\"interval_ms\":3600000,\"fields\":[\"system.cpu\"]}}\n"
        )
    };
    let mut numbers = Vec::new();
    for id in [0, 1, 2, 3, 4, 5, 6, 7, 0, 8] {
        client.send_raw(wish(id)).await?;
        let answer = first(&mut lines, "an answer", |message| match message {
            GuestMessage::Response(response) => Some(response.clone()),
            _ => None,
        });
        numbers.push(answer.await?.data.get("subscription").and_then(serde_json::Value::as_u64));
    }
    let wanted = [Some(1), Some(2), Some(3), Some(4), Some(5), Some(6), Some(7), Some(8), Some(1), None];
    ensure!(numbers == wanted, "{numbers:?}");
    client.close().await;
    Ok(())
}

/// With a threshold of a second the processor's own jitter is news or not; both are in the bounds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_adaptive_collection_each_message_tells_when_the_next_one_comes() -> Result<()> {
    let args = [
        "--set",
        "adaptive_collection=true",
        "--set",
        "adaptive_min_secs=1",
        "--set",
        "adaptive_max_secs=2",
        "--set",
        "initial_collection_tries=0",
    ];
    let args = args.map(Into::into).to_vec();
    let agent = LocalAgent { agent: Some(binary::tested_agent()?), args, ..LocalAgent::default() };
    let client = Client::connect(Endpoint::Local(agent)).await?;
    let mut lines = client.subscribe();
    for _ in 0..4 {
        let told = first(&mut lines, "metrics", |message| match message {
            GuestMessage::SystemMetrics(metrics) => Some(metrics.collection.interval_secs),
            _ => None,
        });
        let told = told.await?.context("the time to the next")?;
        ensure!((1..=100).contains(&told), "{told}");
    }
    client.close().await;
    Ok(())
}
