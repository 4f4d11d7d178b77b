//! `infinictl`: the host end of the wire, as a command.
fn main() {}
