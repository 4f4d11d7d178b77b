//! `infinihub --diagnose`: what is there and what is wrong, without a hub that runs.

use super::{otlp, sources};
use crate::config::Config;
use anyhow::Result;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// Says it; success where nothing is wrong.
pub(crate) fn diagnose(config: &Config) -> Result<ExitCode> {
    let patterns = config.patterns().map_err(anyhow::Error::msg)?;
    let found = sources::scan(&patterns);
    let mut wrong = found.unreadable.clone();
    println!("sources:");
    config.sources.iter().for_each(|source| println!("  {source}"));
    println!("sockets of guests: {}", found.sockets.len());
    for (path, vm) in &found.sockets {
        println!("  {vm}: {}", path.display());
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
    if found.sockets.is_empty() {
        wrong.push(
            "no socket of a guest was found: give the machines a channel, or name its place in `sources`"
                .into(),
        );
    }
    for what in &wrong {
        println!("wrong: {what}");
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
