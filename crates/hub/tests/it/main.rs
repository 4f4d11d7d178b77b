//! The hub from outside: its program, with simulated guests on real sockets.
#![cfg(target_os = "linux")]

mod api;
mod faults;
mod hostile_lines;
mod jobs;
mod sources;
mod support;
mod wire;
