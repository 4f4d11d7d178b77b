//! A netlink socket: one request, all of its answer. Blocking, with a time limit.

use crate::error::CollectError;
use crate::network::netlink::{Message, NLM_F_DUMP, NLMSG_DONE, NLMSG_ERROR, messages, request};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::net::{recvfrom, sendto, socket_with};
use std::time::Duration;

/// The kernel answers at once; this only keeps a kernel that does not from stopping the collector.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The kernel fills no datagram of a dump beyond 32 KiB (`NLMSG_GOODSIZE`, `netlink_dump` in `af_netlink.c`).
const BUFFER_BYTES: usize = 32 << 10;

/// A socket of one netlink family, opened at first use and again after an error.
#[derive(Debug)]
pub struct Netlink {
    protocol: Option<Protocol>,
    socket: Option<OwnedFd>,
    sequence: u32,
    buffer: Vec<u8>,
    request: Vec<u8>,
}

impl Netlink {
    /// `None` is `NETLINK_ROUTE`.
    pub fn new(protocol: Option<Protocol>) -> Self {
        Self { protocol, socket: None, sequence: 0, buffer: Vec::new(), request: Vec::new() }
    }

    /// Asks for all there are, and gives each message of the answer to `each`.
    pub fn dump(
        &mut self,
        name: &'static str,
        kind: u16,
        body: &[u8],
        each: impl FnMut(Message<'_>),
    ) -> Result<(), CollectError> {
        self.exchange(name, kind, NLM_F_DUMP, body, each)
    }

    /// Asks for one thing, and gives the answer to `each`.
    pub fn get(
        &mut self,
        name: &'static str,
        kind: u16,
        body: &[u8],
        each: impl FnMut(Message<'_>),
    ) -> Result<(), CollectError> {
        self.exchange(name, kind, 0, body, each)
    }

    fn exchange(
        &mut self,
        name: &'static str,
        kind: u16,
        flags: u16,
        body: &[u8],
        each: impl FnMut(Message<'_>),
    ) -> Result<(), CollectError> {
        self.try_exchange(kind, flags, body, each).map_err(|source| {
            // What is left of a broken answer must not be taken for the next one.
            self.socket = None;
            CollectError::Netlink { request: name, source: source.into() }
        })
    }

    fn try_exchange(
        &mut self,
        kind: u16,
        flags: u16,
        body: &[u8],
        mut each: impl FnMut(Message<'_>),
    ) -> Result<(), Errno> {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        self.buffer.resize(BUFFER_BYTES, 0);
        request(&mut self.request, kind, flags, self.sequence, body);
        let socket = match &mut self.socket {
            Some(socket) => socket,
            none => none.insert(open(self.protocol)?),
        };
        let kernel = SocketAddrNetlink::new(0, 0);
        sendto(&*socket, &self.request, SendFlags::empty(), &kernel)?;
        loop {
            let received =
                rustix::io::retry_on_intr(|| recvfrom(&*socket, &mut self.buffer[..], RecvFlags::TRUNC));
            let (_, len, from) = received?;
            let from_kernel =
                from.and_then(|a| SocketAddrNetlink::try_from(a).ok()).is_some_and(|a| a.pid() == 0);
            if !from_kernel {
                continue;
            }
            let datagram = self.buffer.get(..len).ok_or(Errno::MSGSIZE)?;
            if take(datagram, self.sequence, flags & NLM_F_DUMP != 0, &mut each)? {
                return Ok(());
            }
        }
    }
}

/// Whether the answer is complete.
fn take(
    datagram: &[u8],
    sequence: u32,
    is_dump: bool,
    each: &mut impl FnMut(Message<'_>),
) -> Result<bool, Errno> {
    for message in messages(datagram).filter(|m| m.sequence == sequence) {
        match message.kind {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => {
                let code = message.error().unwrap_or_default();
                return if code == 0 { Ok(true) } else { Err(Errno::from_raw_os_error(code)) };
            }
            _ => each(message),
        }
        if !is_dump {
            return Ok(true);
        }
    }
    Ok(false)
}

fn open(protocol: Option<Protocol>) -> Result<OwnedFd, Errno> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
    set_socket_timeout(&socket, Timeout::Recv, Some(TIMEOUT))?;
    Ok(socket)
}
