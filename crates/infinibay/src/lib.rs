//! The wire profile of Infinibay's host: a layer that translates its names, shapes and manners into the agent's own actions and
//! back. Pure: no action knows of it, and it does no I/O. `docs/infinibay.md` describes it.
#![forbid(unsafe_code)]

mod answer;
mod ask;
mod event;
mod measure;
mod platform;
mod policy;
mod profile;
mod route;
pub mod scripts;
mod shape;
mod speech;

pub use answer::Answered;
pub use ask::Step;
pub use event::Severity;
pub use platform::Platform;
pub use policy::{HOST_ACTIONS, is_host_action};
pub use profile::{Profile, Switches};
pub use speech::Speech;
