//! What is different from one host system to the other: the wire's two halves, the channel's kind, how an
//! agent of our own is tied to it, and the terminal.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{
    CHANNEL, Reader, Signals, Slave, Writer, columns, connect, connect_vsock, create_private, environment,
    is_private, open_pair, spawn, split, terminate,
};
#[cfg(unix)]
pub use unix::{Master, pty};
#[cfg(windows)]
pub use windows::Master;
#[cfg(windows)]
pub(crate) use windows::{
    CHANNEL, Reader, Signals, Slave, Writer, columns, connect, connect_vsock, create_private, environment,
    is_private, open_pair, spawn, split, terminate,
};
