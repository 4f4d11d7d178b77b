//! Tests of the whole session: against what qemu-ga was seen to answer, and of what it does better.

mod documented;
mod framing;
mod generations;
mod golden;
mod guest;
pub mod replay;
mod replies;
mod rules;
