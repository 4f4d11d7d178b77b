//! The collector over made-up machines, and beside the tools of this one: one program for all of them.

mod figures;
mod hangs;
mod hung_mount;
mod tools;
mod tree;
