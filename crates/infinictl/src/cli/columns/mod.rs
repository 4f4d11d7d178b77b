//! How wide the terminal is.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(super) use unix::columns;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(super) use windows::columns;
