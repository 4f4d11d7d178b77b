//! Commands: the executor (queue, limits, timeouts, replay, audit), the process runner, and one file a command family.

pub mod audit;
pub mod catalogue;
mod changes;
pub mod context;
pub mod control;
mod executor;
mod job;
pub mod outcome;
pub mod platform;
mod policy;
mod raw;
pub mod registry;
pub mod runner;
mod safe;
pub mod services;
mod settings;
pub mod summary;
mod task;
#[cfg(test)]
mod tests;

pub use context::{BoxFuture, CommandContext, Means, ProcessSource, Services};
pub use control::Control;
pub use executor::{Executor, reply_channel};
pub use outcome::{Captured, CommandError, CommandOutcome, CommandResult};
pub use settings::CommandSettings;
