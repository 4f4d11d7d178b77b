//! A program that is built without the engine hears of no fleet. Its settings say so to whoever asks for one.

use crate::config::Config;
use anyhow::{Result, bail};
use std::process::ExitCode;

pub(crate) fn run(_config: &Config) -> Result<ExitCode> {
    bail!("an exporter needs an infinihub that is built with the feature `nats`")
}

pub(crate) fn diagnose(config: &Config) -> Result<ExitCode> {
    run(config)
}
