//! What ordinary users and packages lay out for the agent and for whoever reads its answers.

pub mod texts;
pub mod traps;
