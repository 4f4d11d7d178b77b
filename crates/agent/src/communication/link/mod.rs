//! The link: a pure state machine over circuit breaker, back-off, keep-alive, quality, outbox and codec.
//!
//! It takes the time and an [`Event`], and says what to do by [`Action`]s. It holds no clock and does no I/O.

pub mod event;

pub use event::{Action, Event, OpenFailure};
