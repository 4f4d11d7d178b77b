//! A program beside a test, which ends with the test however that ends.

use std::net::{SocketAddr, TcpListener};
use std::process::Child;

/// A program that is killed, and waited for, with this value.
#[derive(Debug)]
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// An address on loopback for such a program, whose port was free a moment ago.
///
/// # Errors
/// No port is free.
pub fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
