//! What Windows' service manager is told, and when: pure, so that every platform tests it.

mod state;

pub use state::{Controls, Machine, Phase, Report};
