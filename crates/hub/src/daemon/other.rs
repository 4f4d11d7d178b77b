//! Where there are no sockets of QEMU's there is no daemon: it says so.

use crate::config::Config;
use anyhow::{Result, bail};
use std::process::ExitCode;

pub(crate) fn run(_config: Config, _file: Option<std::path::PathBuf>) -> Result<ExitCode> {
    bail!("infinihub runs on Linux, on the host of the machines")
}

pub(crate) fn diagnose(_config: &Config) -> Result<ExitCode> {
    bail!("infinihub runs on Linux, on the host of the machines")
}

pub(crate) fn export(_config: &Config) -> Result<ExitCode> {
    bail!("infinihub runs on Linux")
}

pub(crate) fn diagnose_exporter(_config: &Config) -> Result<ExitCode> {
    bail!("infinihub runs on Linux")
}
