//! What a person types: `cargo xtask <command>`.
fn main() {}
