//! What the command and the client library promise, against a scripted guest.

mod batch;
mod cli;
mod client;
mod command;
mod commands;
mod compression;
#[cfg(target_os = "linux")]
mod fleet_users;
#[cfg(unix)]
mod host;
mod local;
#[cfg(target_os = "linux")]
mod memory;
mod qga;
mod support;
mod trace;
