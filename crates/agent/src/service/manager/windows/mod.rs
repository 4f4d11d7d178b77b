//! The service `InfiniService`: its life under the service manager, and what an administrator asks about it.

mod control;
mod install;
mod life;
mod protect;

pub use control::{carry_out, diagnose};
pub use life::run_as_service;
pub(in crate::service) use life::{Life, life};
pub(crate) use protect::at_start as protect_files;

/// The service's name, by which everybody asks for it.
pub const NAME: &str = "InfiniService";
