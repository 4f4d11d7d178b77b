//! The host's end of the wire: a client library, and the command line over it.
//!
//! ```no_run
//! use infinictl::client::{Client, Endpoint};
//! use std::time::Duration;
//!
//! # async fn example() -> Result<(), infinictl::client::ClientError> {
//! let guest = Client::connect(Endpoint::Channel("/run/vm/agent.sock".into())).await?;
//! let metrics = guest.metrics(Duration::from_secs(10)).await?;
//! println!("{} runs {}", metrics.data.system.host.hostname, metrics.agent_version);
//! # Ok(()) }
//! ```

pub mod cli;
pub mod client;
mod fleet;
pub mod hub;
pub mod qga;
mod sys;
mod text;
mod watch;
