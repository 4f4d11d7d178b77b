//! Which files of a log directory are logs that were set aside, and which only look so.
//!
//! A number at the end of a name is no proof: binary logs of databases, archives of performance data and records of
//! accounting are named so too. A file is taken for a rotation only beside its base or by logrotate's own word; everything
//! else that looks like one is left and counted.

mod directory;
mod logrotate;
mod name;
#[cfg(test)]
mod tests;

pub(super) use directory::{LogDirectory, Verdict, keeps_its_own};
pub(super) use logrotate::Logrotate;
