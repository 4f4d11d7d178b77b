//! What a host may ask for: the executor (queue, limits, timeouts, replay, audit), one file a family of commands, and what
//! these work with: packages, clean-up, inventory, checks, Windows' updates and Defender.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "parsers of Linux compile, and are tested, everywhere")
)]

mod answering;
pub mod audit;
pub mod autochecks;
mod changes;
mod cleanup;
mod context;
#[cfg(any(test, target_os = "windows"))]
#[cfg_attr(not(target_os = "windows"), allow(dead_code, reason = "Windows alone is asked for it"))]
mod defender;
pub mod event_log;
mod executor;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod inventory;
mod news;
pub mod packages;
mod platform;
mod policy;
mod reloads;
mod reply;
mod safe;
mod scheduler;
mod scripts;
mod seal;
mod sealed;
mod shell;
mod summary;
mod task;
#[cfg(test)]
mod tests;
mod traced;
#[cfg(target_os = "windows")]
mod windows_update;

pub use context::{CommandContext, Features, PowerAction, ProcessSource, Services};
pub use executor::{Executor, reply_channel};
pub use news::{Completion, News, news_channel};
pub use policy::CommandSettings;
pub use reloads::{ReloadAsker, Reloads, reload_channel};
pub use reply::Reply;
pub use scripts::{ScriptSettings, Scripts, Submission};
pub use sealed::{OwnIdentity, Seal};
pub use traced::Tracing;
