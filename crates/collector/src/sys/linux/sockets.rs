//! Sockets by `NETLINK_SOCK_DIAG`, and the descriptors of processes.

use super::files::{Tree, open_dir};
use super::netlink::Netlink;
use crate::error::CollectError;
use crate::ports::diag::{self, SOCK_DIAG_BY_FAMILY, TCPDIAG_GETSOCK};
use crate::ports::owners::socket_inode;
use crate::ports::{Protocol, Socket};
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
    for (file, protocol) in diag::FILES {
        match proc.read(file) {
            Ok(text) => diag::proc_net_sockets(text, protocol, sockets),
            // A kernel without IPv6.
            Err(_) if file.ends_with('6') => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn dump(netlink: &mut Netlink, sockets: &mut Vec<Socket>) -> Result<(), CollectError> {
    let tcp = netlink.dump("sockets", TCPDIAG_GETSOCK, &diag::all_tcp(), |message| {
        sockets.extend(diag::socket(message.payload, Protocol::Tcp));
    });
    if tcp.is_err() {
        sockets.clear();
        families(netlink, diag::TCP, sockets)?;
    }
    families(netlink, diag::UDP, sockets)
}

fn families(
    netlink: &mut Netlink,
    kinds: [(u8, Protocol); 2],
    sockets: &mut Vec<Socket>,
) -> Result<(), CollectError> {
    for kind in kinds {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, TcpListener};

    /// Listeners of this test, as they stand in what the kernel lists.
    fn found(list: &[Socket], held: &[TcpListener]) -> Vec<(IpAddr, u16)> {
        let wanted: Vec<_> = held.iter().filter_map(|l| l.local_addr().ok()).collect();
        let mut found: Vec<_> = list.iter().map(|s| (s.address, s.port)).collect();
        found.retain(|(address, port)| wanted.iter().any(|w| (w.ip(), w.port()) == (*address, *port)));
        found.sort_unstable();
        found
    }

    #[test]
    fn the_walk_over_both_families_lists_what_one_walk_each_lists() {
        let held: Vec<_> = ["127.0.0.1:0", "[::1]:0"].into_iter().flat_map(TcpListener::bind).collect();
        let mut netlink = Netlink::new(Some(rustix::net::netlink::SOCK_DIAG));
        let (mut at_once, mut one_each) = (Vec::new(), Vec::new());
        dump(&mut netlink, &mut at_once).unwrap();
        families(&mut netlink, diag::TCP, &mut one_each).unwrap();
        assert_eq!(found(&at_once, &held).len(), held.len());
        assert_eq!(found(&at_once, &held), found(&one_each, &held));
    }
}
