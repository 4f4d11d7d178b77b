//! What infinihub tells of all its machines: `infinictl list`, `infinictl events` and `infinictl job`.

mod events;
mod job;
mod list;

pub(super) use events::{Args as EventsArgs, run as events};
pub(super) use job::{Command as JobCommand, run as job};
pub(super) use list::{Args as ListArgs, run as list};
