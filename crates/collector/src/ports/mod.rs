//! Sockets: which are listed, and who owns them.

pub(crate) mod diag;
pub(crate) mod owners;
#[cfg(any(test, target_os = "windows"))]
pub(crate) mod win_table;

use std::net::IpAddr;

/// Transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// `tcp`.
    Tcp,
    /// `udp`.
    Udp,
}

impl Protocol {
    /// For the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// `IPPROTO_*`.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }
}

/// The kernel's states (`include/net/tcp_states.h`), which UDP shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State(u8);

const NAMES: [&str; 13] = [
    "UNKNOWN",
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
    "SYN_RECV",
];

impl State {
    const ESTABLISHED: Self = Self(1);
    const TIME_WAIT: Self = Self(6);
    const CLOSE: Self = Self(7);
    const LISTEN: Self = Self(10);

    /// The kernel's number; one that is not known is 0.
    pub const fn from_number(number: u8) -> Self {
        if (number as usize) < NAMES.len() { Self(number) } else { Self(0) }
    }
}

/// One socket: thirty bytes, as there may be many thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Transport.
    pub protocol: Protocol,
    /// The kernel's state.
    pub state: State,
    /// Local.
    pub address: IpAddr,
    /// Local.
    pub port: u16,
    /// Whether it is connected to a port at the other end.
    pub has_peer: bool,
    /// Of its file; 0 where no process holds it any more.
    pub inode: u32,
}

impl Socket {
    /// A TCP listener, or a bound UDP socket without a peer.
    pub fn is_listening(&self) -> bool {
        match self.protocol {
            Protocol::Tcp => self.state == State::LISTEN,
            Protocol::Udp => !self.has_peer,
        }
    }

    /// For the wire; UDP without a peer is `UNCONN`, as `ss` calls it.
    pub fn state_name(&self) -> &'static str {
        if self.protocol == Protocol::Udp && self.state == State::CLOSE {
            return "UNCONN";
        }
        NAMES.get(usize::from(self.state.0)).copied().unwrap_or("UNKNOWN")
    }

    fn is_established(&self) -> bool {
        self.state == State::ESTABLISHED
    }

    /// Listening ones first, then connections, then what is ending.
    fn order(&self) -> (u8, Protocol, u16, IpAddr, u32) {
        let rank = match () {
            () if self.is_listening() => 0,
            () if self.is_established() => 1,
            () if self.state != State::TIME_WAIT => 2,
            () => 3,
        };
        (rank, self.protocol, self.port, self.address, self.inode)
    }
}

/// The first `max` in order; the rest of `sockets` is left without order. Gives how many are in order.
pub fn select(sockets: &mut [Socket], max: usize) -> usize {
    let listed = max.min(sockets.len());
    if listed < sockets.len() {
        sockets.select_nth_unstable_by_key(listed, Socket::order);
    }
    if let Some(first) = sockets.get_mut(..listed) {
        first.sort_unstable_by_key(Socket::order);
    }
    listed
}

/// Established connections by local port.
#[derive(Debug, Default)]
pub struct Connections {
    ports: Vec<(Protocol, u16)>,
}

impl Connections {
    /// Counts all sockets, not only those listed.
    pub fn of(sockets: &[Socket]) -> Self {
        let established = sockets.iter().filter(|s| s.is_established());
        let mut ports: Vec<_> = established.map(|s| (s.protocol, s.port)).collect();
        ports.sort_unstable();
        Self { ports }
    }

    /// On the port of this socket.
    pub fn on_port_of(&self, socket: &Socket) -> usize {
        let port = (socket.protocol, socket.port);
        self.ports.partition_point(|p| *p <= port) - self.ports.partition_point(|p| *p < port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn socket(protocol: Protocol, state: u8, port: u16) -> Socket {
        let has_peer = !matches!(state, 7 | 10);
        let state = State::from_number(state);
        Socket { protocol, state, address: IpAddr::from([127, 0, 0, 1]), port, has_peer, inode: 1 }
    }

    #[test]
    fn listening_sockets_come_first_and_those_that_end_last() {
        use Protocol::{Tcp, Udp};
        let mut all = [
            socket(Tcp, 6, 1),
            socket(Tcp, 1, 2),
            socket(Udp, 7, 53),
            socket(Tcp, 8, 3),
            socket(Tcp, 10, 443),
            socket(Tcp, 10, 22),
            socket(Udp, 1, 4),
        ];
        assert_eq!(select(&mut all, 99), 7);
        let told: Vec<_> = all.iter().map(|s| (s.port, s.state_name())).collect();
        let expected = [
            (22, "LISTEN"),
            (443, "LISTEN"),
            (53, "UNCONN"),
            (2, "ESTABLISHED"),
            (4, "ESTABLISHED"),
            (3, "CLOSE_WAIT"),
            (1, "TIME_WAIT"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_ports_connections_are_counted_for_its_own_protocol() {
        let all = [
            socket(Protocol::Tcp, 10, 80),
            socket(Protocol::Tcp, 1, 80),
            socket(Protocol::Tcp, 1, 80),
            socket(Protocol::Udp, 1, 80),
            socket(Protocol::Tcp, 6, 80),
        ];
        let connections = Connections::of(&all);
        assert_eq!((connections.on_port_of(&all[0]), connections.on_port_of(&all[3])), (2, 1));
    }

    #[test]
    fn an_unknown_state_has_a_name() {
        assert_eq!(socket(Protocol::Tcp, 200, 1).state_name(), "UNKNOWN");
    }

    proptest! {
        #[test]
        fn what_is_listed_is_the_beginning_of_the_whole_order(states in proptest::collection::vec(1u8..13, 0..60), max in 0usize..40) {
            let mut some: Vec<_> = (0u16..).zip(states).map(|(port, s)| socket(Protocol::Tcp, s, port)).collect();
            let mut all = some.clone();
            all.sort_by_key(Socket::order);
            let listed = select(&mut some, max);
            prop_assert_eq!(&all[..listed], &some[..listed]);
        }
    }
}
