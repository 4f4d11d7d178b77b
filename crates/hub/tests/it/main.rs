//! The hub from outside: its program, with simulated guests on real sockets.
#![cfg(target_os = "linux")]

mod api;
mod faults;
mod holders;
mod jobs;
mod names;
mod reload;
mod restart;
mod sources;
mod support;
mod wire;
