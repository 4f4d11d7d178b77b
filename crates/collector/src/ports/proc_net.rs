//! Sockets from `/proc/net/tcp` and its like, for kernels without `sock_diag` modules.

use super::list::{Protocol, Socket, State};
use infiniservice_platform::linux::text::{lines, unsigned, words};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The files, each with its protocol.
pub const FILES: [(&str, Protocol); 4] = [
    ("net/tcp", Protocol::Tcp),
    ("net/tcp6", Protocol::Tcp),
    ("net/udp", Protocol::Udp),
    ("net/udp6", Protocol::Udp),
];

/// Appends the sockets of one file; lines that are not understood, such as the heading, are passed over.
pub fn parse(text: &[u8], protocol: Protocol, sockets: &mut Vec<Socket>) {
    sockets.extend(lines(text).filter_map(|(_, line)| socket(line, protocol)));
}

fn socket(line: &[u8], protocol: Protocol) -> Option<Socket> {
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
    use proptest::prelude::*;

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
        parse(tcp.as_bytes(), Protocol::Tcp, &mut sockets);
        parse(tcp6.as_bytes(), Protocol::Tcp, &mut sockets);
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
            parse(&bytes, Protocol::Udp, &mut Vec::new());
        }
    }
}
