//! Compressed lines from the real agent.

use anyhow::{Context, Result, ensure};
use infinictl::client::{Client, Endpoint, LocalAgent, Options};
use infiniservice_e2e::binary;
use infiniservice_protocol::Action;
use infiniservice_protocol::hello::CompressionLimits;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_mins(3);
const COMPRESS: Options = Options { secret: None, seal: None, compress: true, bulk: None };

fn agent() -> Result<LocalAgent> {
    Ok(LocalAgent { agent: Some(binary::tested_agent()?), ..LocalAgent::default() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_asks_reads_the_same_from_far_fewer_bytes() -> Result<()> {
    let client = Client::connect_as(Endpoint::Local(agent()?), COMPRESS).await?;
    let hello = client.hello(TIMEOUT).await?;
    ensure!(hello.features.compression == Some(CompressionLimits::default()), "{hello:?}");
    client.metrics(TIMEOUT).await?;
    let before = client.stats();
    let mut plain = 0;
    for _ in 0..5 {
        let event = client.metrics_event(TIMEOUT).await?;
        ensure!(event.raw.starts_with("{\"type\":\"system_metrics\""), "{}", event.raw);
        plain += event.raw.len() as u64;
    }
    let list = Action::ProcessList { limit: None, sort_by: None, filter: None };
    ensure!(client.request(&list, TIMEOUT).await?.success);
    let after = client.stats();
    ensure!(after.compressed >= before.compressed + 5 && after.malformed == 0, "{after:?}");
    let read = after.bytes_read - before.bytes_read;
    ensure!(read < plain, "{read} bytes for {plain} of metrics and a list");
    client.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_ask_gets_plain_lines_and_where_it_is_off_so_does_who_asks() -> Result<()> {
    let client = Client::connect(Endpoint::Local(agent()?)).await?;
    client.metrics(TIMEOUT).await?;
    ensure!(client.stats().unknown == 0 && client.stats().malformed == 0, "{:?}", client.stats());
    client.close().await;

    let env = vec![("INFINISERVICE_COMPRESSION".into(), "false".into())];
    let off = LocalAgent { env, ..agent()? };
    let client = Client::connect_as(Endpoint::Local(off), COMPRESS).await?;
    let hello = client.hello(TIMEOUT).await?;
    let capability =
        hello.capabilities.iter().find(|one| one.name == "compression").context("compression")?;
    ensure!(!capability.enabled && capability.reason.as_deref() == Some("compression is false"));
    ensure!(hello.features.compression.is_none(), "{hello:?}");
    client.metrics(TIMEOUT).await?;
    ensure!(client.stats().compressed == 0);
    client.close().await;
    Ok(())
}
