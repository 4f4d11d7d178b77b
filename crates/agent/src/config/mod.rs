//! Configuration: fragments (defaults, file, environment, flags), merged, then validated into `Settings`.

mod choices;
mod controller_keys;
pub(crate) mod edit;
pub mod environment;
pub(crate) mod error;
pub(crate) mod field;
mod file;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub(crate) mod last_good;
pub(crate) mod layers;
pub(crate) mod load;
#[cfg(target_os = "linux")]
#[path = "own_files/linux.rs"]
pub(crate) mod own_files;
#[cfg(target_os = "windows")]
#[path = "own_files/windows.rs"]
pub(crate) mod own_files;
pub(crate) mod reloaded;
pub(crate) mod render;
mod secret;
pub(crate) mod table;

#[cfg(all(test, unix))]
mod bounds_tests;
#[cfg(test)]
mod generated_tests;
#[cfg(all(test, unix))]
mod last_good_tests;
#[cfg(test)]
mod secret_tests;
#[cfg(test)]
mod tests;

pub use choices::{GuestAgentMode, WireProfile};
pub use error::{ConfigError, ConfigErrors, Origin};
pub use field::Secret;
pub use layers::{FlagValue, Merged};
pub use load::{Loaded, Sources};
pub use reloaded::Reloaded;
pub use table::{FIELDS, IN_FLIGHT_MAX, Settings};
