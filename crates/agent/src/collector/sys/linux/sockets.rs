//! Sockets by `NETLINK_SOCK_DIAG`, and the descriptors of processes.

use super::files::{Tree, open_dir};
use super::netlink::Netlink;
use crate::collector::error::CollectError;
use crate::collector::ports::diag::{self, DUMPS, SOCK_DIAG_BY_FAMILY};
use crate::collector::ports::list::Socket;
use crate::collector::ports::owners::socket_inode;
use crate::collector::ports::proc_net;
use rustix::fd::AsFd;
use rustix::fs::{RawDir, readlinkat_raw};
use std::mem::MaybeUninit;

/// A descriptor of a socket points to a name of at most 20 bytes; what is longer is a path and of no interest.
const LINK_BYTES: usize = 64;

/// Appends every socket of TCP and UDP. Kernels that have no `sock_diag` are asked by `/proc/net`.
pub fn sockets(
    netlink: &mut Netlink,
    proc: &mut Tree,
    sockets: &mut Vec<Socket>,
) -> Result<(), CollectError> {
    if dump(netlink, sockets).is_ok() {
        return Ok(());
    }
    sockets.clear();
    for (file, protocol) in proc_net::FILES {
        match proc.read(file) {
            Ok(text) => proc_net::parse(text, protocol, sockets),
            // A kernel without IPv6.
            Err(_) if file.ends_with('6') => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn dump(netlink: &mut Netlink, sockets: &mut Vec<Socket>) -> Result<(), CollectError> {
    for kind in DUMPS {
        netlink.dump("sockets", SOCK_DIAG_BY_FAMILY, &diag::request(kind), |message| {
            sockets.extend(diag::socket(message.payload, kind.1));
        })?;
    }
    Ok(())
}

/// Gives the inode of each socket that a process holds to `found`.
pub fn sockets_of(
    proc: impl AsFd,
    pid: u32,
    entries: &mut [MaybeUninit<u8>],
    found: &mut dyn FnMut(u32),
) -> Option<()> {
    let dir = open_dir(proc, format!("{pid}/fd")).ok()?;
    let mut entries = RawDir::new(&dir, entries);
    let mut target = [MaybeUninit::uninit(); LINK_BYTES];
    while let Some(Ok(entry)) = entries.next() {
        if let Ok((target, _)) = readlinkat_raw(&dir, entry.file_name(), &mut target) {
            socket_inode(target).into_iter().for_each(&mut *found);
        }
    }
    Some(())
}
