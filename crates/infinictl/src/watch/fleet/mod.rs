//! All machines of a hub, live: a pure model, a view of it, and a loop that feeds both. Enter opens one machine's view.

mod keys;
mod model;
#[cfg(test)]
mod model_tests;
mod run;
mod view;
#[cfg(test)]
mod view_tests;

pub(crate) use model::{Machine, Order, words};
pub(crate) use run::{FleetError, Settings, Tables, look, run};
