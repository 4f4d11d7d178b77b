//! The kernel's table of Unix sockets, by netlink: which is connected to which.

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::unix::nlas::UnixDiagName;
use netlink_packet_sock_diag::unix::{ShowFlags, StateFlags, UnixRequest, UnixResponse};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket as Netlink, SocketAddr};
use rustix::fs::fstat;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use tokio::net::UnixStream;

/// Sockets that are looked at.
const MAX_SOCKETS: usize = 1 << 20;

/// A connected socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    /// 0 before it is accepted.
    pub(super) inode: u64,
    /// The inode of the other end; 0 where that is not accepted.
    pub(super) peer: u64,
    /// The path to which it is bound; of an accepted socket that of the listening one.
    pub(super) name: Vec<u8>,
}

/// Our end of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    pub(super) inode: u64,
    /// The name to which the listening socket is bound, as its owner wrote it.
    pub(super) bound_to: Vec<u8>,
}

impl End {
    /// Of a connection.
    pub(super) fn of(stream: &UnixStream) -> Self {
        let inode = fstat(stream.as_fd()).map_or(0, |facts| facts.st_ino);
        let address = stream.peer_addr().ok();
        let path = address.as_ref().and_then(|address| address.as_pathname());
        Self { inode, bound_to: path.map(|path| path.as_os_str().as_bytes().to_vec()).unwrap_or_default() }
    }
}

/// All connected sockets of this network namespace.
pub(super) fn connected() -> io::Result<Vec<Socket>> {
    let mut netlink = Netlink::new(NETLINK_SOCK_DIAG)?;
    netlink.bind_auto()?;
    netlink.connect(&SocketAddr::new(0, 0))?;
    netlink.send(&request(), 0)?;
    let mut sockets = Vec::new();
    while sockets.len() < MAX_SOCKETS {
        let (bytes, _) = netlink.recv_from_full()?;
        if !take(&bytes, &mut sockets)? {
            return Ok(sockets);
        }
    }
    Err(io::Error::other(format!("more than {MAX_SOCKETS} sockets")))
}

fn request() -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let request = SockDiagMessage::UnixRequest(UnixRequest {
        state_flags: StateFlags::ESTABLISHED,
        inode: 0,
        show_flags: ShowFlags::NAME | ShowFlags::PEER,
        cookie: [0xff; 8],
    });
    let mut message = NetlinkMessage::new(header, request.into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// Takes the messages of one datagram; whether more come.
fn take(mut bytes: &[u8], sockets: &mut Vec<Socket>) -> io::Result<bool> {
    while !bytes.is_empty() {
        let message = NetlinkMessage::<SockDiagMessage>::deserialize(bytes).map_err(io::Error::other)?;
        match message.payload {
            NetlinkPayload::InnerMessage(SockDiagMessage::UnixResponse(response)) => {
                sockets.push(socket(&response));
            }
            NetlinkPayload::Done(_) => return Ok(false),
            NetlinkPayload::Error(error) => return Err(error.to_io()),
            _ => {}
        }
        // Messages begin at multiples of four.
        let length = (message.header.length as usize).next_multiple_of(4).max(4);
        bytes = bytes.get(length..).unwrap_or_default();
    }
    Ok(true)
}

fn socket(response: &UnixResponse) -> Socket {
    let name = match response.name() {
        Some(UnixDiagName::Pathname(path)) => path.as_bytes().to_vec(),
        _ => Vec::new(),
    };
    Socket { inode: response.header.inode.into(), peer: response.peer().unwrap_or_default().into(), name }
}
