//! Support for the end-to-end tests: the built agent, the machine it is installed in, and a harness that runs
//! scenarios one after the other in that one machine.

pub mod binary;
pub mod cost;
pub mod domain;
pub mod exchange;
pub mod fuse;
pub mod guest;
pub mod harness;
pub mod hub;
pub mod libvirt;
pub mod local;
pub mod messages;
pub mod operations;
pub mod qga;
pub mod raw;
pub mod running;
pub mod shape;
pub mod share;
mod times;
pub mod windows;

pub use guest::Guest;
pub use libvirt::Libvirt;
pub use running::Running;
pub use windows::{Agent, Windows};
