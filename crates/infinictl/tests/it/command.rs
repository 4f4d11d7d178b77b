//! The command as a process of its own, and what it left.

use crate::support::FakeGuest;
use std::process::{Command, Output, Stdio};

/// The command with these arguments, in an environment of nothing.
pub fn infinictl(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_infinictl"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

/// The same on a guest, to its end.
pub fn on(guest: &FakeGuest, args: &[&str]) -> Output {
    infinictl(args).arg("--socket").arg(&guest.path).output().unwrap()
}

/// Its exit code.
pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// What it printed.
pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What it complained of.
pub fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
