//! `infinictl`: the host end of the wire, as a command.

use std::process::ExitCode;

fn main() -> ExitCode {
    infinictl::cli::main()
}
