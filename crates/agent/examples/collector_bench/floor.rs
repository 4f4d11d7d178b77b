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
/// Family and protocol of each dump.
const DUMPS: [(u8, u8); 4] = [(2, 6), (10, 6), (2, 17), (10, 17)];

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
        for (family, protocol) in DUMPS {
            sendto(
                &self.netlink,
                &request(family, protocol),
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

/// `struct nlmsghdr` and `struct inet_diag_req_v2`.
fn request(family: u8, protocol: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(72u32.to_ne_bytes());
    bytes.extend(20u16.to_ne_bytes());
    bytes.extend(0x301u16.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([family, protocol, 0, 0]);
    bytes.extend(u32::MAX.to_ne_bytes());
    bytes.resize(72, 0);
    bytes
}
