//! The hub from outside: its program, with simulated guests on real sockets.
#![cfg(target_os = "linux")]

mod api;
mod faults;
#[cfg(feature = "nats")]
mod fleet;
mod holders;
mod hostile_lines;
mod jobs;
mod names;
mod openapi;
mod otlp;
mod policy;
mod reload;
mod restart;
mod sources;
mod support;
mod tags;
mod tls;
#[path = "../../../protocol/tests/it/validate.rs"]
mod validate;
mod wire;
