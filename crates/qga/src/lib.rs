//! The session of the QEMU guest agent's protocol, for hosts that drive `qemu-ga`: a pure state machine beside the link.
//!
//! It takes the time and an [`Event`], and says what to do by [`Action`]s. It holds no clock, does no I/O and knows no
//! operating system: a command that it understood, and that the policy allows, becomes [`Action::Execute`] with a typed
//! [`Request`]; what came of it is told by [`Event::Finished`] with a typed [`Reply`].
//!
//! It has the shape of `infiniservice_link::Link` (`handle`, `next_deadline`, `pending_write`, `read_room`), so that one driver
//! can move the bytes of either. Its manners are the opposite: it says nothing unasked, and forgets what the host left behind.
#![forbid(unsafe_code)]

mod answer;
pub mod bytes;
mod envelope;
pub mod error;
pub mod event;
pub mod freeze;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod json;
pub mod limits;
pub mod linux;
pub mod policy;
mod reader;
pub mod reply;
pub mod request;
pub mod session;
pub mod table;
#[cfg(test)]
mod tests;
pub mod windows;

pub use error::{Class, Error};
pub use event::{Action, Event, Stats, Token};
pub use freeze::FreezeState;
pub use infiniservice_link::PortEvent;
pub use policy::Policy;
pub use reply::Reply;
pub use request::Request;
pub use session::{Session, Settings};
pub use table::Switch;
