//! Commands: the executor (queue, limits, timeouts, replay, audit), and one file a command family.

pub mod audit;
pub mod catalogue;
mod changes;
pub mod context;
mod executor;
mod job;
pub mod platform;
mod policy;
mod raw;
pub mod registry;
mod safe;
pub mod services;
mod settings;
pub mod summary;
mod task;
#[cfg(test)]
mod tests;

pub use context::{CommandContext, Means, ProcessSource, Services};
pub use executor::{Executor, reply_channel};
pub use settings::CommandSettings;
