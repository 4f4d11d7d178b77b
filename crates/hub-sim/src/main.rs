//! `hub-sim`: simulated guests on sockets in a directory.
#![forbid(unsafe_code)]

fn main() -> anyhow::Result<()> {
    infiniservice_hub_sim::cli::main()
}
