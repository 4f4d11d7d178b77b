//! `infinihub`: the host's daemon.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    infinihub::main()
}
