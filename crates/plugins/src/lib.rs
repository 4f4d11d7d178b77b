//! Figures of the guest's own programs and files, beside those of the agent: plugins that root describes in a directory, and
//! `*.prom` files.
//!
//! [`spec`] and [`mod@format`] are pure. [`Plugins`] runs each plugin in a task of its own and keeps the last result; whoever collects
//! asks it for all of them. What one plugin does costs no other anything, and nothing of it happens on the main loop but waiting.
#![forbid(unsafe_code)]

mod board;
mod directory;
pub mod format;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod keeper;
mod outcome;
mod pace;
mod plugin;
pub mod spec;
mod sys;
mod textfiles;
mod trust;

#[cfg(all(test, unix))]
mod example_tests;
#[cfg(all(test, unix))]
mod run_tests;

pub use board::Told;
pub use directory::MAX_PLUGINS;
pub use keeper::{Plugins, Wanted};
