//! Text for people: the guest's words made harmless, and figures with their units.

pub mod sanitise;
pub mod units;
pub mod wrap;
