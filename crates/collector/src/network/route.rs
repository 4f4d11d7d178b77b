//! Links, addresses and the way to the internet, as rtnetlink(7) tells them.

use super::netlink::{array, attributes, push_attribute, u32_at, u64_at};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A link, in a dump.
pub(crate) const RTM_NEWLINK: u16 = 16;
/// Asks for links.
pub(crate) const RTM_GETLINK: u16 = 18;
/// An address, in a dump.
pub(crate) const RTM_NEWADDR: u16 = 20;
/// Asks for addresses.
pub(crate) const RTM_GETADDR: u16 = 22;
/// A route.
pub(crate) const RTM_NEWROUTE: u16 = 24;
/// Asks for routes.
pub(crate) const RTM_GETROUTE: u16 = 26;

const IFF_UP: u32 = 1;
const IFF_LOOPBACK: u32 = 1 << 3;
const IFF_LOWER_UP: u32 = 1 << 16;
const RTN_UNICAST: u8 = 1;
/// `include/uapi/linux/if_addr.h`.
const IFA_F_OPTIMISTIC: u32 = 0x04;
const IFA_F_DADFAILED: u32 = 0x08;
const IFA_F_DEPRECATED: u32 = 0x20;
const IFA_F_TENTATIVE: u32 = 0x40;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// Counters of `struct rtnl_link_stats64` (`include/uapi/linux/if_link.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets in, out.
    pub packets: (u64, u64),
    /// Bytes in, out.
    pub bytes: (u64, u64),
    /// Errors in, out.
    pub errors: (u64, u64),
    /// Drops in, out; in counts what the device missed for want of room, as `/proc/net/dev` does.
    pub drops: (u64, u64),
}

/// One link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number.
    pub index: u32,
    /// `eth0`.
    pub name: Vec<u8>,
    /// Hardware address; empty where there is none.
    pub address: Vec<u8>,
    /// Bytes.
    pub mtu: u32,
    /// Up, with a carrier.
    pub is_up: bool,
    /// The loopback.
    pub is_loopback: bool,
    /// `bridge`, `veth`, `vlan`, …; empty for a device.
    pub kind: Vec<u8>,
    /// Since boot.
    pub counters: Counters,
}

/// Reads an `RTM_NEWLINK` payload: `struct ifinfomsg` and attributes.
pub fn link(payload: &[u8]) -> Option<Link> {
    let flags = u32_at(payload, 8)?;
    let mut link = Link {
        index: u32_at(payload, 4)?,
        is_up: flags & IFF_UP != 0 && flags & IFF_LOWER_UP != 0,
        is_loopback: flags & IFF_LOOPBACK != 0,
        ..Link::default()
    };
    for (kind, value) in attributes(payload.get(16..)?) {
        match kind {
            1 => link.address = value.to_vec(),
            3 => link.name = until_nul(value).to_vec(),
            4 => link.mtu = u32_at(value, 0)?,
            18 => link.kind = link_kind(value),
            23 => link.counters = counters(value)?,
            _ => {}
        }
    }
    (!link.name.is_empty()).then_some(link)
}

/// `IFLA_INFO_KIND` within `IFLA_LINKINFO`.
fn link_kind(nest: &[u8]) -> Vec<u8> {
    attributes(nest)
        .find(|(kind, _)| *kind == 1)
        .map(|(_, value)| until_nul(value).to_vec())
        .unwrap_or_default()
}

fn counters(stats: &[u8]) -> Option<Counters> {
    let at = |index: usize| u64_at(stats, index * 8);
    let missed = at(15).unwrap_or_default();
    Some(Counters {
        packets: (at(0)?, at(1)?),
        bytes: (at(2)?, at(3)?),
        errors: (at(4)?, at(5)?),
        drops: (at(6)?.saturating_add(missed), at(7)?),
    })
}

fn until_nul(value: &[u8]) -> &[u8] {
    value.split(|b| *b == 0).next().unwrap_or_default()
}

/// An address of a link that the machine can be reached by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The link's number.
    pub link: u32,
    /// Itself.
    pub ip: IpAddr,
    /// Bits of its network.
    pub prefix: u8,
    /// Still good for connections that there are, not for new ones.
    pub is_deprecated: bool,
}

/// Reads an `RTM_NEWADDR` payload; `None` of an address that is not in use: its duplicate was found, or is looked for.
/// On a point-to-point link `IFA_ADDRESS` is the other end and `IFA_LOCAL` ours.
pub fn address(payload: &[u8]) -> Option<Address> {
    let (family, prefix, link) = (*payload.first()?, *payload.get(1)?, u32_at(payload, 4)?);
    // Of the flags eight bits stand in the header; newer kernels give all of them as an attribute.
    let mut flags = u32::from(*payload.get(2)?);
    let (mut address, mut local) = (None, None);
    for (kind, value) in attributes(payload.get(8..)?) {
        match kind {
            1 => address = ip(family, value),
            2 => local = ip(family, value),
            8 => flags = u32_at(value, 0)?,
            _ => {}
        }
    }
    let ip = local.or(address).filter(|_| is_usable(flags))?;
    Some(Address { link, ip, prefix, is_deprecated: flags & IFA_F_DEPRECATED != 0 })
}

/// An optimistic address is used while its duplicate is looked for (RFC 4429).
fn is_usable(flags: u32) -> bool {
    let waits = flags & IFA_F_TENTATIVE != 0 && flags & IFA_F_OPTIMISTIC == 0;
    !waits && flags & IFA_F_DADFAILED == 0
}

fn ip(family: u8, value: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => array(value, 0).map(|b: [u8; 4]| Ipv4Addr::from(b).into()),
        AF_INET6 => array(value, 0).map(|b: [u8; 16]| Ipv6Addr::from(b).into()),
        _ => None,
    }
}

/// The body of an `RTM_GETROUTE` request: which way would a packet to `destination` go? No packet is sent, and the
/// cost does not grow with the routing table, as a dump's would.
pub(crate) fn route_request(destination: IpAddr) -> Vec<u8> {
    let (family, bits, bytes) = match destination {
        IpAddr::V4(ip) => (AF_INET, 32, ip.octets().to_vec()),
        IpAddr::V6(ip) => (AF_INET6, 128, ip.octets().to_vec()),
    };
    // struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags.
    let mut body = vec![family, bits, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    push_attribute(&mut body, 1, &bytes);
    body
}

/// Reads an `RTM_NEWROUTE` payload: the number of the link that a packet leaves by.
pub fn route(payload: &[u8]) -> Option<u32> {
    let is_unicast = *payload.get(7)? == RTN_UNICAST;
    let output = attributes(payload.get(12..)?).find(|(kind, _)| *kind == 4).and_then(|(_, v)| u32_at(v, 0));
    output.filter(|_| is_unicast)
}

#[cfg(test)]
mod tests {
    use super::super::netlink::messages;
    use super::*;
    use proptest::prelude::*;

    const LINKS: &[u8] = include_bytes!("../../tests/fixtures/netlink-6.18/links.bin");
    const ADDRESSES: &[u8] = include_bytes!("../../tests/fixtures/netlink-6.18/addresses.bin");
    const ROUTE: &[u8] = include_bytes!("../../tests/fixtures/netlink-6.18/route.bin");

    fn links() -> Vec<Link> {
        messages(LINKS).filter(|m| m.kind == RTM_NEWLINK).filter_map(|m| link(m.payload)).collect()
    }

    #[test]
    fn a_recorded_dump_gives_every_link() {
        let links = links();
        let names: Vec<_> = links.iter().map(|l| String::from_utf8_lossy(&l.name).into_owned()).collect();
        assert_eq!(names, ["lo", "vethb", "eth0", "docker0"]);
        assert!(links[0].is_loopback && links[0].mtu == 65_536);
        assert_eq!(links[2].address, [0x52, 0x54, 0, 0x12, 0x34, 0x56]);
        assert!(links[2].is_up && links[2].counters.packets.1 > 0);
        assert_eq!((links[1].kind.as_slice(), links[3].kind.as_slice()), (&b"veth"[..], &b"bridge"[..]));
    }

    #[test]
    fn a_recorded_dump_gives_addresses_of_both_families() {
        let all: Vec<_> = messages(ADDRESSES)
            .filter(|m| m.kind == RTM_NEWADDR)
            .filter_map(|m| address(m.payload))
            .collect();
        let has = |text: &str| all.iter().any(|address| address.ip.to_string() == text);
        assert!(has("127.0.0.1") && has("192.0.2.10") && has("2001:db8::10"), "{all:?}");
    }

    #[test]
    fn a_recorded_answer_names_the_link_of_the_default_route() {
        let message = messages(ROUTE).find(|m| m.kind == RTM_NEWROUTE).unwrap();
        let eth0 = links().iter().find(|l| l.name == b"eth0").unwrap().index;
        assert_eq!(route(message.payload), Some(eth0));
    }

    #[test]
    fn our_end_of_a_point_to_point_link_is_told() {
        let mut payload = vec![AF_INET, 32, 0, 0, 9, 0, 0, 0];
        payload[4..8].copy_from_slice(&9u32.to_ne_bytes());
        push_attribute(&mut payload, 1, &[10, 0, 0, 2]);
        push_attribute(&mut payload, 2, &[10, 0, 0, 1]);
        let ours = address(&payload).unwrap();
        assert_eq!((ours.link, ours.ip), (9, IpAddr::from([10, 0, 0, 1])));
    }

    /// An address of link 9 with these flags in the header, and as an attribute where there is one.
    fn flagged(header: u8, attribute: Option<u32>) -> Option<Address> {
        let mut payload = vec![AF_INET6, 64, header, 0, 9, 0, 0, 0];
        payload[4..8].copy_from_slice(&9u32.to_ne_bytes());
        push_attribute(&mut payload, 1, &[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        if let Some(flags) = attribute {
            push_attribute(&mut payload, 8, &flags.to_ne_bytes());
        }
        address(&payload)
    }

    #[test]
    fn addresses_that_are_not_in_use_are_none_and_old_ones_are_marked() {
        assert!(!flagged(0x80, None).unwrap().is_deprecated);
        assert!(flagged(0x20, None).unwrap().is_deprecated);
        assert_eq!(flagged(0x40, None), None, "tentative");
        assert_eq!(flagged(0x08, None), None, "its duplicate was found");
        assert!(flagged(0x44, None).is_some(), "optimistic");
        assert_eq!(flagged(0, Some(0x40)), None, "the attribute has all the flags");
        assert!(flagged(0, Some(0x320)).unwrap().is_deprecated);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = (link(&bytes), address(&bytes), route(&bytes));
        }

        #[test]
        fn a_torn_or_flipped_dump_is_read_without_a_panic(at in 0..LINKS.len(), byte: u8, end in 0..LINKS.len()) {
            let mut bytes = LINKS.to_vec();
            bytes[at] = byte;
            bytes.truncate(end);
            for message in messages(&bytes) {
                let _ = (link(message.payload), address(message.payload), route(message.payload));
            }
        }
    }
}
