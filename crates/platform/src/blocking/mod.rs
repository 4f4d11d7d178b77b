//! Whatever may wait in the kernel without end: one bounded pool of detached threads, with a deadline for each call.
//!
//! A read of `/proc/PID/cmdline` waits for a lock that the process' owner can hold for ever; a look at a file of a FUSE mount
//! or of a dead NFS server waits for its server. Such a call cannot be taken back. So it runs in a thread that nobody waits
//! for longer than he wants: the call then costs its own figure, and its thread stays out, counted, named in the log once,
//! until the kernel lets it go. Each [`Lane`] has places of its own, so that one kind of call cannot stop another; once
//! as many calls for one thing hang as are allowed, the next is refused at once. No thread holds up the end of the process.
//!
//! **From async code**, `blocking::run(Lane::Files, "name in messages", patience, move || work()).await`;
//! [`start`] and [`Coming`] where several are asked at once. [`join`] is for long work that has a deadline of its own.
//!
//! **From a thread**, [`ask`] and [`Answer::wait`] for one call, and [`Series`] for many of a kind, such as one for each
//! process: they run in one thread, and only where one hangs does another thread take over behind it.
//!
//! **Descriptors.** Threads of lanes that touch what others own ([`Lane::has_own_table`]) have a table of descriptors of their
//! own, empty but for the standard streams: a thread that hangs keeps no port or socket open when the process is killed.
//! So work of these lanes opens what it needs, and neither brings descriptors along nor gives any back.

mod lane;
mod one;
mod out;
mod own_table;
mod relay;
mod series;
#[cfg(test)]
mod tests;
mod thread;

pub use lane::Lane;
pub use one::{Answer, Coming, ask, join, run, start};
pub use out::{Blocked, hanging, summary};
pub use series::{Item, Series};
