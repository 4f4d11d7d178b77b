//! The planner alone, and in a world that is against it.

mod bounds;
mod clock;
mod faults;
mod guest;
mod more;
mod rng;
mod rules;
mod world;
