//! The hub from outside: its program, with simulated guests on real sockets.
#![cfg(target_os = "linux")]

mod api;
mod faults;
mod jobs;
mod otlp;
mod sources;
mod support;
mod wire;
