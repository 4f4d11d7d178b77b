//! What infinihub tells of all its machines: `infinictl list`, `infinictl watch` without a machine, `infinictl events` and
//! `infinictl job`.

mod events;
pub(in crate::cli) mod job;
mod list;
mod watch;

pub(super) use events::{Args as EventsArgs, run as events};
pub(super) use job::{Command as JobCommand, run as job};
pub(super) use list::{Args as ListArgs, run as list};
pub(super) use watch::{Args as WatchArgs, run as watch};
