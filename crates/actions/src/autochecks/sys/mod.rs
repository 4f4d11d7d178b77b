//! What checks ask the system by calls of their own: how full a file system is, and what fills it.

#[cfg(target_os = "linux")]
mod full;
#[cfg(target_os = "linux")]
pub use full::{largest, would_free};

#[cfg(target_os = "linux")]
pub(crate) use infiniservice_collector::space_of as space;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
pub use other::{largest, space, would_free};
