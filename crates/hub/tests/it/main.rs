//! The hub from outside: its program, with simulated guests on real sockets.
#![cfg(target_os = "linux")]

mod api;
mod faults;
mod hostile_lines;
mod jobs;
mod openapi;
mod otlp;
mod policy;
mod sources;
mod support;
mod tls;
#[path = "../../../protocol/tests/it/validate.rs"]
mod validate;
mod wire;
