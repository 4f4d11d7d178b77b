//! `UpdateCheck` and `UpdateInstall`: what is pending, and bringing it in.

mod check;
mod install;
#[cfg(test)]
mod tests;

pub(super) use check::{known, run as check};
pub(super) use install::run as install;
