//! What the kernel tells of sockets: records of `NETLINK_SOCK_DIAG` (`sock_diag(7)`), and the lines of `/proc/net/tcp` and its like,
//! for kernels without it.

use super::{Protocol, Socket, State};
use crate::network::netlink::{array, u32_at};
use infiniservice_platform::linux::text::{lines, unsigned, words};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `SOCK_DIAG_BY_FAMILY`, of requests and of records.
pub const SOCK_DIAG_BY_FAMILY: u16 = 20;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// `struct inet_diag_req_v2`.
const REQUEST_BYTES: usize = 56;
/// `TCPDIAG_GETSOCK`, the older request (Linux 2.6.14), which knows no family: one walk over the kernel's table, of which
/// the newer one needs two.
pub const TCPDIAG_GETSOCK: u16 = 18;
/// `struct inet_diag_req`.
const ALL_TCP_BYTES: usize = 60;
/// States 1 to 12. Not `TCP_BOUND_INACTIVE` of newer kernels, which is no connection and no listener.
const ALL_STATES: u32 = 0x1ffe;

/// The families and protocols to be asked for, one dump each; those of TCP where [`all_tcp`] is not understood.
pub const TCP: [(u8, Protocol); 2] = [(AF_INET, Protocol::Tcp), (AF_INET6, Protocol::Tcp)];
/// The same of UDP, for which there is no request without a family.
pub const UDP: [(u8, Protocol); 2] = [(AF_INET, Protocol::Udp), (AF_INET6, Protocol::Udp)];

/// The body of [`TCPDIAG_GETSOCK`] for all sockets of TCP of both families.
pub fn all_tcp() -> [u8; ALL_TCP_BYTES] {
    let mut body = [0; ALL_TCP_BYTES];
    body[52..56].copy_from_slice(&ALL_STATES.to_ne_bytes());
    body
}

/// The body of a request for all sockets of a family and protocol.
pub fn request((family, protocol): (u8, Protocol)) -> [u8; REQUEST_BYTES] {
    let mut body = [0; REQUEST_BYTES];
    body[0] = family;
    body[1] = protocol.number();
    body[4..8].copy_from_slice(&ALL_STATES.to_ne_bytes());
    body
}

/// Reads a record: `struct inet_diag_msg`, of which ports and addresses are in network order.
pub fn socket(payload: &[u8], protocol: Protocol) -> Option<Socket> {
    let family = *payload.first()?;
    let port = |at| array(payload, at).map(u16::from_be_bytes);
    let inode = u32_at(payload, 68)?;
    let state = State::from_number(*payload.get(1)?);
    let has_peer = port(6)? != 0;
    Some(Socket { protocol, state, address: address(family, payload)?, port: port(4)?, has_peer, inode })
}

fn address(family: u8, payload: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => array(payload, 8).map(|b: [u8; 4]| Ipv4Addr::from(b).into()),
        AF_INET6 => array(payload, 8).map(|b: [u8; 16]| Ipv6Addr::from(b).into()),
        _ => None,
    }
}

/// The files, each with its protocol.
pub const FILES: [(&str, Protocol); 4] = [
    ("net/tcp", Protocol::Tcp),
    ("net/tcp6", Protocol::Tcp),
    ("net/udp", Protocol::Udp),
    ("net/udp6", Protocol::Udp),
];

/// Appends the sockets of one file; lines that are not understood, such as the heading, are passed over.
pub fn proc_net_sockets(text: &[u8], protocol: Protocol, sockets: &mut Vec<Socket>) {
    sockets.extend(lines(text).filter_map(|(_, line)| proc_net_socket(line, protocol)));
}

fn proc_net_socket(line: &[u8], protocol: Protocol) -> Option<Socket> {
    let mut fields = words(line).skip(1).map(|word| std::str::from_utf8(word).unwrap_or_default());
    let (address, port) = end_point(fields.next()?)?;
    let (_, peer) = end_point(fields.next()?)?;
    let state = State::from_number(u8::from_str_radix(fields.next()?, 16).ok()?);
    let inode = fields.nth(5).and_then(|word| unsigned(word.as_bytes()))?;
    let inode = u32::try_from(inode).unwrap_or_default();
    Some(Socket { protocol, state, address, port, has_peer: peer != 0, inode })
}

/// `0100007F:1F90`: the address in words of the machine's byte order, the port as a number.
fn end_point(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(address.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (chunk, at) in bytes.chunks_exact_mut(4).zip([0, 8, 16, 24]) {
                chunk.copy_from_slice(&word(at)?);
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some((address, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::netlink::messages;
    use proptest::prelude::*;

    const TCP4: &[u8] = include_bytes!("../../tests/fixtures/netlink-6.18/tcp4.bin");
    const TCP6: &[u8] = include_bytes!("../../tests/fixtures/netlink-6.18/tcp6.bin");
    const TCP_BOTH: &[u8] = include_bytes!("../../tests/fixtures/netlink-6.18/tcp-both.bin");
    const UDP4: &[u8] = include_bytes!("../../tests/fixtures/netlink-6.18/udp4.bin");

    fn sockets(dump: &[u8], protocol: Protocol) -> Vec<(String, u16, &'static str, bool)> {
        let kinds = [SOCK_DIAG_BY_FAMILY, TCPDIAG_GETSOCK];
        let records = messages(dump).filter(|m| kinds.contains(&m.kind));
        let mut list: Vec<_> = records
            .filter_map(|m| socket(m.payload, protocol))
            .map(|s| (s.address.to_string(), s.port, s.state_name(), s.is_listening()))
            .collect();
        list.sort();
        list
    }

    #[test]
    fn a_recorded_dump_gives_listeners_and_connections() {
        let list = sockets(TCP4, Protocol::Tcp);
        let local = "127.0.0.1".to_owned();
        assert!(list.contains(&(local.clone(), 8080, "LISTEN", true)), "{list:?}");
        assert_eq!(list.iter().filter(|s| s.1 == 8080 && s.2 == "ESTABLISHED").count(), 2);
        assert_eq!(list.iter().filter(|s| s.2 == "TIME_WAIT").count(), 1);
    }

    #[test]
    fn one_dump_without_a_family_has_the_sockets_of_both() {
        let list = sockets(TCP_BOTH, Protocol::Tcp);
        let has =
            |address: &str, port, state| list.contains(&(address.into(), port, state, state == "LISTEN"));
        assert!(has("127.0.0.1", 8080, "LISTEN") && has("::", 443, "LISTEN"), "{list:?}");
        assert!(has("::ffff:127.0.0.1", 443, "ESTABLISHED"), "{list:?}");
        assert_eq!((list.len(), list.iter().filter(|s| s.2 == "TIME_WAIT").count()), (7, 1));
    }

    #[test]
    fn a_recorded_dump_of_ipv6_and_udp_is_understood() {
        assert_eq!(sockets(TCP6, Protocol::Tcp), [("::".to_owned(), 443, "LISTEN", true)]);
        let udp = sockets(UDP4, Protocol::Udp);
        assert!(udp.contains(&("0.0.0.0".into(), 53, "UNCONN", true)), "{udp:?}");
        assert!(udp.iter().any(|s| s.2 == "ESTABLISHED" && !s.3));
    }

    proptest! {
        #[test]
        fn any_record_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = socket(&bytes, Protocol::Tcp);
        }

        #[test]
        fn a_torn_dump_is_read_without_a_panic(at in 0..TCP4.len(), byte: u8, end in 0..TCP4.len()) {
            let mut dump = TCP4.to_vec();
            dump[at] = byte;
            dump.truncate(end);
            let _ = sockets(&dump, Protocol::Tcp);
        }
    }

    const HEADING: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    #[cfg(target_endian = "little")]
    #[test]
    fn listeners_and_connections_of_both_families_are_read() {
        let tcp = format!(
            "{HEADING}   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  33 0 4711 1 0000000000000000 100 0\n"
        );
        let tcp6 = format!(
            "{HEADING}   0: 00000000000000000000000001000000:0016 00000000000000000000000001000000:C000 01 00000000:00000000 02:000A 00000000 0 0 815 4 0\n"
        );
        let mut sockets = Vec::new();
        proc_net_sockets(tcp.as_bytes(), Protocol::Tcp, &mut sockets);
        proc_net_sockets(tcp6.as_bytes(), Protocol::Tcp, &mut sockets);
        let told: Vec<_> =
            sockets.iter().map(|s| (s.address.to_string(), s.port, s.state_name(), s.inode)).collect();
        assert_eq!(
            told,
            [("127.0.0.1".into(), 8080, "LISTEN", 4711), ("::1".into(), 22, "ESTABLISHED", 815)]
        );
        assert!(sockets[0].is_listening() && sockets[1].has_peer);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            proc_net_sockets(&bytes, Protocol::Udp, &mut Vec::new());
        }
    }
}
