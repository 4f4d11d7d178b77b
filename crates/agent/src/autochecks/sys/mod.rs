//! The one thing that checks ask the system by a call of its own: how full a file system is.

#[cfg(target_os = "linux")]
pub(crate) use crate::collector::space_of as space;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
pub use other::space;
