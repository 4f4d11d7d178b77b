//! Connecting to a guest's vsock port (vsock(7)): rustix has no addresses of that family.
#![allow(unsafe_code)]

use rustix::net::addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use std::io;
use std::mem::size_of;
use std::os::fd::OwnedFd;

/// `sockaddr_vm` of `linux/vm_sockets.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Address {
    family: u16,
    reserved: u16,
    port: u32,
    cid: u32,
    flags: u8,
    zero: [u8; 3],
}

const LENGTH: SocketAddrLen = size_of::<Address>() as SocketAddrLen;

// SAFETY: the closure gets a pointer to a whole `sockaddr_vm` with its length, which lives until the closure has returned.
unsafe impl SocketAddrArg for Address {
    unsafe fn with_sockaddr<R>(&self, f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R) -> R {
        f((&raw const *self).cast(), LENGTH)
    }
}

/// Connects; blocks for as long as the kernel waits for the guest, 2 s.
pub(super) fn connect(cid: u32, port: u32) -> io::Result<OwnedFd> {
    let family = AddressFamily::VSOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let address = Address { family: family.as_raw(), reserved: 0, port, cid, flags: 0, zero: [0; 3] };
    rustix::net::connect(&socket, &address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_has_the_kernel_s_layout() {
        assert_eq!(size_of::<Address>(), 16);
        assert_eq!((std::mem::offset_of!(Address, port), std::mem::offset_of!(Address, cid)), (4, 8));
    }
}
