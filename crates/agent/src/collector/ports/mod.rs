//! Sockets of TCP and UDP: what the kernel lists, which are told, and who owns them.

pub mod diag;
pub mod list;
pub mod owners;
pub mod proc_net;
