//! The live view of a guest: a pure model, a view of it, and a loop that feeds both.

mod input;
mod model;
mod quality;
mod run;
mod screen;
mod signals;
mod theme;
mod view;

pub use model::{Flow, Key, Link, Model, Sort};
pub use quality::Quality;
pub use run::{Options, WatchError, run};
pub use theme::Theme;
pub use view::{draw, list_rows};
