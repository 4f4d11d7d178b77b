//! `infinihub --diagnose`: what is there and what is wrong, with what a hub that runs says of it.

use super::scan::scan;
use super::{fleet, otlp};
use crate::config::Config;
use anyhow::Result;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// How long the hub may take for an answer.
const WITHIN: Duration = Duration::from_secs(10);
/// Longest answer: 20,000 machines.
const MAX_BYTES: u64 = 64 << 20;

/// Says it; success where nothing is wrong.
pub(crate) fn diagnose(config: &Config) -> Result<ExitCode> {
    let patterns = config.patterns().map_err(anyhow::Error::msg)?;
    let found = scan(&patterns);
    let mut wrong = found.unreadable.clone();
    println!("sources:");
    config.sources.iter().for_each(|source| println!("  {source}"));
    println!("sockets of guests: {}", found.sockets.len());
    for (path, named) in &found.sockets {
        println!("  {}: {}", named.vm, path.display());
    }
    for (name, path) in [("api_socket", &config.api_socket), ("wire_socket", &config.wire_socket)] {
        match UnixStream::connect(path) {
            Ok(_) => println!("{name}: {} is served", path.display()),
            Err(error) => wrong.push(format!("{name}: {} is not served: {error}", path.display())),
        }
    }
    if config.otlp.is_on() {
        let signals = config.otlp.signals.join(", ");
        match otlp::check(&config.otlp) {
            Ok(()) => println!("otlp: {signals} go to {}, which takes connections", config.otlp.endpoint),
            Err(error) => {
                wrong.push(format!("otlp: {signals} cannot go to {}: {error}", config.otlp.endpoint));
            }
        }
    }
    if let Some(fleet) = &config.fleet {
        match fleet::check(fleet) {
            Ok(()) => println!("fleet: the engine at {} can be used", fleet.url),
            Err(error) => wrong.push(format!("fleet: the engine cannot be used: {error}")),
        }
    }
    if found.sockets.is_empty() {
        wrong.push(
            "no socket of a guest was found: give the machines a channel, or name its place in `sources`"
                .into(),
        );
    }
    wrong.extend(by_the_hub(&config.api_socket));
    for what in &wrong {
        println!("wrong: {what}");
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the hub that runs, if one does, knows to be wrong.
fn by_the_hub(api: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(hub) = get(api, "/v1/hub") {
        let error = hub.pointer("/settings/error").and_then(Value::as_str);
        wrong.extend(error.map(|error| format!("the hub that runs has older settings: {error}")));
        let engine = hub.pointer("/engine/error").and_then(Value::as_str);
        wrong.extend(engine.map(|error| format!("fleet: the hub that runs says: {error}")));
        if hub["connections"].as_u64() >= hub["connections_max"].as_u64() {
            wrong.push(format!(
                "{} machines are connected, as many as the limit of descriptors allows",
                hub["connections"]
            ));
        }
    }
    let machines = get(api, "/v1/vms?select=state%3Dunserved");
    for machine in machines.as_ref().and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| machine[name].as_str().unwrap_or_default();
        wrong.push(format!("{} is unserved: {}", text("name"), text("reason")));
    }
    wrong
}

/// A document of the API; `None` where there is none to be had. HTTP/1.0: the answer ends with the connection.
fn get(api: &Path, address: &str) -> Option<Value> {
    let mut stream = UnixStream::connect(api).ok()?;
    stream.set_read_timeout(Some(WITHIN)).ok()?;
    stream.write_all(format!("GET {address} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.take(MAX_BYTES).read_to_end(&mut answer).ok()?;
    let body = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    answer.starts_with(b"HTTP/1.0 200").then(|| serde_json::from_slice(answer.get(body..)?).ok()).flatten()
}
