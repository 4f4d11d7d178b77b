//! What is different from one host system to the other: the wire's two halves, the channel's kind, and how an agent of
//! our own is tied to it.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(super) use unix::{
    CHANNEL, Reader, Slave, Writer, connect, environment, open_pair, spawn, split, terminate,
};
#[cfg(unix)]
pub use unix::{Master, pty};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::Master;
#[cfg(windows)]
pub(super) use windows::{
    CHANNEL, Reader, Slave, Writer, connect, environment, open_pair, spawn, split, terminate,
};
