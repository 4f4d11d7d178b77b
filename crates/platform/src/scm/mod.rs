//! Windows services by the service control manager: states, names, and operations carried through to their end.
//!
//! What decides is pure and tested on every platform against a simulated manager; `manager_unsafe` asks the real one.

pub mod after;
pub mod control;
#[cfg(target_os = "windows")]
pub mod dispatch_unsafe;
pub mod error;
#[cfg(target_os = "windows")]
pub mod manager;
#[cfg(target_os = "windows")]
mod manager_unsafe;
pub mod name;
#[cfg(test)]
mod simulated;
pub mod state;
#[cfg(test)]
mod tests;
pub mod wait;
#[cfg(all(test, target_os = "windows"))]
mod windows_tests;

pub use error::ScmError;
pub use state::{Config, Service, StartType, State, Status};
