//! Sockets between a machine and its hypervisor (vsock(7)): rustix has no addresses of that family.
#![allow(unsafe_code)]

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// The hypervisor's host, as each guest sees it (`VMADDR_CID_HOST`).
pub const HOST: u32 = libc::VMADDR_CID_HOST;
/// This machine, through the kernel's loopback (`VMADDR_CID_LOCAL`).
pub const LOCAL: u32 = libc::VMADDR_CID_LOCAL;
/// Every address of this machine (`VMADDR_CID_ANY`).
pub const ANY: u32 = libc::VMADDR_CID_ANY;

/// Connections that wait until the one before has ended.
const BACKLOG: libc::c_int = 4;

/// Listens on a port; nothing blocks.
///
/// # Errors
/// `EAFNOSUPPORT` where the kernel has no vsock, `EADDRINUSE` where somebody else listens.
pub fn listen(cid: u32, port: u32) -> io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: socket(2) takes numbers only.
    let socket = taken(unsafe { libc::socket(libc::AF_VSOCK, kind, 0) })?;
    let address = address(cid, port);
    // SAFETY: the address is a `sockaddr_vm` of this length, alive during the call.
    checked(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), LENGTH) })?;
    // SAFETY: listen(2) takes numbers only.
    checked(unsafe { libc::listen(socket.as_raw_fd(), BACKLOG) })?;
    Ok(socket)
}

/// The next connection, and the CID of who made it; nothing blocks.
///
/// # Errors
/// `EAGAIN` where none waits.
pub fn accept(listener: impl AsFd) -> io::Result<(OwnedFd, u32)> {
    let mut peer = address(0, 0);
    let mut length = LENGTH;
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: `peer` has room for the `length` bytes that are told, and both are alive during the call.
    let accepted = unsafe {
        libc::accept4(listener.as_fd().as_raw_fd(), (&raw mut peer).cast(), &raw mut length, flags)
    };
    let socket = taken(accepted)?;
    if peer.svm_family != FAMILY {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok((socket, peer.svm_cid))
}

const FAMILY: libc::sa_family_t = libc::AF_VSOCK as libc::sa_family_t;
const LENGTH: libc::socklen_t = size_of::<libc::sockaddr_vm>() as libc::socklen_t;

fn address(cid: u32, port: u32) -> libc::sockaddr_vm {
    // SAFETY: a `sockaddr_vm` is of integers alone, for which zero is a value.
    let mut address: libc::sockaddr_vm = unsafe { zeroed() };
    address.svm_family = FAMILY;
    address.svm_cid = cid;
    address.svm_port = port;
    address
}

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn taken(fd: libc::c_int) -> io::Result<OwnedFd> {
    let fd = checked(fd)?;
    // SAFETY: the kernel has just given this descriptor to us, and to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
