//! The tables of `GetExtendedTcpTable` and `GetExtendedUdpTable` with owners (`tcpmib.h`, `udpmib.h`), as bytes: a count, then rows.

use super::{Protocol, Socket, State};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A table: where in its rows things stand, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    protocol: Protocol,
    row: usize,
    address_bytes: usize,
    address: usize,
    port: usize,
    /// Of TCP only.
    state: Option<usize>,
    pid: usize,
}

impl Layout {
    /// Else it is UDP's.
    #[allow(dead_code, reason = "of Windows")]
    pub const fn is_tcp(&self) -> bool {
        self.state.is_some()
    }
}

/// `MIB_TCPTABLE_OWNER_PID`.
pub const TCP4: Layout = Layout {
    protocol: Protocol::Tcp,
    row: 24,
    address_bytes: 4,
    address: 4,
    port: 8,
    state: Some(0),
    pid: 20,
};
/// `MIB_TCP6TABLE_OWNER_PID`.
pub const TCP6: Layout = Layout {
    protocol: Protocol::Tcp,
    row: 56,
    address_bytes: 16,
    address: 0,
    port: 20,
    state: Some(48),
    pid: 52,
};
/// `MIB_UDPTABLE_OWNER_PID`.
pub const UDP4: Layout =
    Layout { protocol: Protocol::Udp, row: 12, address_bytes: 4, address: 0, port: 4, state: None, pid: 8 };
/// `MIB_UDP6TABLE_OWNER_PID`.
pub const UDP6: Layout = Layout {
    protocol: Protocol::Udp,
    row: 28,
    address_bytes: 16,
    address: 0,
    port: 20,
    state: None,
    pid: 24,
};

/// Linux' number of each `MIB_TCP_STATE`, from 1 on; the last one is being deleted.
const STATES: [u8; 12] = [7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6, 7];

/// Appends the sockets of a table; their owner stands in place of the inode.
pub fn parse(bytes: &[u8], layout: Layout, sockets: &mut Vec<Socket>) {
    let count = number(bytes, 0) as usize;
    let rows = bytes.get(4..).unwrap_or_default().chunks_exact(layout.row);
    sockets.extend(rows.take(count).filter_map(|row| socket(row, layout)));
}

fn socket(row: &[u8], layout: Layout) -> Option<Socket> {
    let address = row.get(layout.address..layout.address + layout.address_bytes)?;
    let address = match <[u8; 4]>::try_from(address) {
        Ok(four) => IpAddr::V4(Ipv4Addr::from(four)),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(address).ok()?)),
    };
    // In network order, in the low half.
    let port = row.get(layout.port..layout.port + 2)?;
    let state = layout.state.map(|at| number(row, at) as usize);
    let state = state.map_or(7, |state| STATES.get(state.wrapping_sub(1)).copied().unwrap_or_default());
    Some(Socket {
        protocol: layout.protocol,
        state: State::from_number(state),
        address,
        port: u16::from_be_bytes(port.try_into().ok()?),
        has_peer: layout.protocol == Protocol::Tcp && state != 10,
        inode: number(row, layout.pid),
    })
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_listener_and_a_connection_are_read_with_their_owners() {
        let mut bytes = 2u32.to_le_bytes().to_vec();
        for (state, port, pid) in [(2u32, 445u16, 4u32), (5, 50_000, 1234)] {
            bytes.extend(state.to_le_bytes());
            bytes.extend([127, 0, 0, 1]);
            bytes.extend(port.to_be_bytes());
            bytes.extend([0, 0]);
            bytes.extend([0u8; 8]);
            bytes.extend(pid.to_le_bytes());
        }
        let mut sockets = Vec::new();
        parse(&bytes, TCP4, &mut sockets);
        let told: Vec<_> =
            sockets.iter().map(|s| (s.state_name(), s.port, s.inode, s.is_listening())).collect();
        assert_eq!(told, [("LISTEN", 445, 4, true), ("ESTABLISHED", 50_000, 1234, false)]);
        assert_eq!(sockets[0].address.to_string(), "127.0.0.1");
    }

    #[test]
    fn a_datagram_socket_of_ipv6_listens() {
        let mut bytes = 1u32.to_le_bytes().to_vec();
        let mut row = [0u8; 28];
        row[15] = 1;
        row[20..22].copy_from_slice(&5353u16.to_be_bytes());
        row[24..].copy_from_slice(&77u32.to_le_bytes());
        bytes.extend(row);
        let mut sockets = Vec::new();
        parse(&bytes, UDP6, &mut sockets);
        assert_eq!((sockets[0].address.to_string(), sockets[0].port), ("::1".into(), 5353));
        assert_eq!((sockets[0].state_name(), sockets[0].inode), ("UNCONN", 77));
    }

    proptest! {
        #[test]
        fn any_table_is_read(bytes: Vec<u8>) {
            for layout in [TCP4, TCP6, UDP4, UDP6] {
                let mut sockets = Vec::new();
                parse(&bytes, layout, &mut sockets);
                prop_assert!(sockets.len() * layout.row <= bytes.len());
            }
        }
    }
}
