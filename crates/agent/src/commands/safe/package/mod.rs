//! The package actions: the list, and one flow for all changes, whatever the package manager.

mod change;
mod desk;
mod list;
#[cfg(test)]
pub(super) mod script;
#[cfg(test)]
mod tests;

pub(super) use change::run as change;
pub(super) use desk::{Attempt, Desk, outcome};
pub(super) use list::run as list;
