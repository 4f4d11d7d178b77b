//! What else than a key ends the view.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(super) use unix::Signals;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(super) use windows::Signals;
