//! Configuration: fragments (defaults, file, environment, flags), merged, then validated into `Settings`.

pub mod actions;
mod convert;
mod credential;
pub mod edit;
pub mod environment;
pub mod error;
pub mod field;
mod file;
pub mod fragment;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub mod last_good;
pub mod load;
mod merge;
pub mod origin;
mod permissions;
pub mod place;
mod private_file;
pub mod process_environment;
pub mod render;
mod secret;
mod suggest;
pub mod table;
mod validate;

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

pub use error::{ConfigError, ConfigErrors};
pub use fragment::FlagValue;
pub use load::{Loaded, Reloaded, Sources};
pub use merge::Merged;
pub use origin::Origin;
pub use secret::Secret;
pub use table::{FIELDS, Settings};
