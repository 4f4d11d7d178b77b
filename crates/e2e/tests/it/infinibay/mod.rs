//! The profile of Infinibay's host, row by row, as far as this machine can show it.

mod actions;
mod host;
mod scripts;
mod session;
