//! The package actions: the list, and one flow for all changes, whatever the package manager.

mod change;
mod desk;
mod effects;
mod installed;
mod list;
#[cfg(test)]
mod list_tests;
mod reboot;
#[cfg(test)]
pub(super) mod script;
#[cfg(test)]
mod tests;
mod weigh;

pub(super) use change::run as change;
pub(super) use desk::{Attempt, Desk, outcome};
pub(super) use effects::{Effects, Versions};
pub(super) use list::run as list;
pub(super) use reboot::Reboot;
pub(super) use weigh::{Weighed, labels};
