//! The floor: opens, reads and closes the same files of `/proc`, and dumps the sockets, and does nothing with it.

use anyhow::Result;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, sendto, socket_with,
};
use std::mem::MaybeUninit;

/// Read once in each collection.
const MACHINE_FILES: [&str; 7] =
    ["stat", "meminfo", "loadavg", "uptime", "self/mountinfo", "diskstats", "sys/kernel/hostname"];
/// `TCPDIAG_GETSOCK` for TCP of both families; else `SOCK_DIAG_BY_FAMILY` with family and protocol.
const DUMPS: [Option<(u8, u8)>; 3] = [None, Some((2, 17)), Some((10, 17))];

/// What a bare loop needs.
pub struct Floor {
    proc: OwnedFd,
    netlink: OwnedFd,
    buffer: Vec<u8>,
    entries: Vec<MaybeUninit<u8>>,
}

impl Floor {
    /// Opens `/proc` and a socket.
    pub fn new() -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let kind = SocketFlags::CLOEXEC;
        Ok(Self {
            proc: openat(CWD, "/proc", flags, Mode::empty())?,
            netlink: socket_with(AddressFamily::NETLINK, SocketType::RAW, kind, Some(netlink::SOCK_DIAG))?,
            buffer: vec![0; 64 << 10],
            entries: vec![MaybeUninit::uninit(); 32 << 10],
        })
    }

    /// The same files of processes and of the machine; `io` of the processes that were listed. Gives the processes.
    pub fn files(&mut self, listed: &[u32]) -> Result<usize> {
        let Self { proc, buffer, entries, .. } = self;
        for file in MACHINE_FILES {
            read_all(&*proc, file, buffer);
        }
        rustix::fs::seek(&*proc, rustix::fs::SeekFrom::Start(0))?;
        let mut count = 0;
        let mut entries = RawDir::new(&*proc, entries);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            if let Some(name) = entry.file_name().to_str().ok().filter(|n| n.as_bytes()[0].is_ascii_digit()) {
                read_all(&*proc, &format!("{name}/stat"), buffer);
                count += 1;
            }
        }
        for pid in listed {
            read_all(&*proc, &format!("{pid}/io"), buffer);
        }
        Ok(count)
    }

    /// All sockets of TCP and UDP, unread. Gives the bytes.
    pub fn sockets(&mut self) -> Result<usize> {
        let mut bytes = 0;
        for kind in DUMPS {
            sendto(
                &self.netlink,
                &request(kind),
                SendFlags::empty(),
                &netlink::SocketAddrNetlink::new(0, 0),
            )?;
            loop {
                let (len, _) = recv(&self.netlink, &mut self.buffer[..], RecvFlags::empty())?;
                bytes += len;
                // NLMSG_DONE and NLMSG_ERROR come alone in their datagram.
                if matches!(self.buffer[4], 2 | 3) {
                    break;
                }
            }
        }
        Ok(bytes)
    }
}

fn read_all(dir: impl AsFd, path: &str, buffer: &mut [u8]) {
    if let Ok(file) = openat(dir, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
        while rustix::io::read(&file, &mut *buffer).is_ok_and(|len| len == buffer.len()) {}
    }
}

/// `struct nlmsghdr` with `struct inet_diag_req_v2`, or the older `struct inet_diag_req`.
fn request(kind: Option<(u8, u8)>) -> Vec<u8> {
    let (kind_number, len, states_at) = if kind.is_some() { (20u16, 72u32, 20) } else { (18, 76, 68) };
    let (family, protocol) = kind.unwrap_or_default();
    let mut bytes = Vec::new();
    bytes.extend(len.to_ne_bytes());
    bytes.extend(kind_number.to_ne_bytes());
    bytes.extend(0x301u16.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([family, protocol]);
    bytes.resize(len as usize, 0);
    bytes[states_at..states_at + 4].copy_from_slice(&u32::MAX.to_ne_bytes());
    bytes
}
