//! Sockets of TCP and UDP: what the kernel lists, which are told, and who owns them.

pub mod diag;
pub mod list;
pub mod owners;
pub mod proc_net;
#[cfg(any(test, target_os = "windows"))]
pub mod win_table;
