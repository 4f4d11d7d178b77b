//! One suite for both engines: what holds in memory holds with the real server, and the other way round.

#[cfg(target_os = "linux")]
mod alone;
#[cfg(target_os = "linux")]
mod suite;
#[cfg(target_os = "linux")]
mod support;
