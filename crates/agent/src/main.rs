//! Entry point: parse arguments, choose a mode, run.
fn main() {}
