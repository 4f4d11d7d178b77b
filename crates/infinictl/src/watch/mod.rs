//! The live view of a guest: a pure model, a view of it, and a loop that feeds both. `fleet` is the same of all machines.

pub(crate) mod fleet;
mod model;
mod quality;
mod run;
mod terminal;
mod theme;
mod view;

pub(crate) use run::{Options, WatchError, run};
pub(crate) use theme::Theme;
