//! Network interfaces, from netlink (rtnetlink(7)): links and addresses put together for the wire, in the order in which a person
//! looks for an address.

pub(crate) mod netlink;
pub mod route;

use crate::numbers::{MAX_COUNT, counter};
use infiniservice_platform::linux::text::printable;
use infiniservice_protocol::metrics::Interface;
use route::{Address, Link};
use std::net::IpAddr;

/// Addresses told of one interface.
const MAX_ADDRESSES: usize = 64;
/// Links of containers and of bridges, and what carries nothing (`IFLA_INFO_KIND`).
const INNER: [&[u8]; 10] =
    [b"bridge", b"veth", b"dummy", b"ifb", b"nlmon", b"vcan", b"macvtap", b"openvswitch", b"netkit", b"nsim"];
/// Tunnels: real, but not what a machine is reached by first.
const TUNNELS: [&[u8]; 9] =
    [b"tun", b"wireguard", b"sit", b"gre", b"vti", b"ipip", b"ip6tnl", b"vxlan", b"geneve"];

/// Place of a link; lower comes first.
pub fn rank(link: &Link, default_route: Option<u32>) -> u8 {
    let kind = link.kind.as_slice();
    match () {
        () if Some(link.index) == default_route => 0,
        () if link.is_loopback => 5,
        () if INNER.contains(&kind) => 4,
        () if TUNNELS.contains(&kind) => 3,
        () if !link.is_up => 2,
        () => 1,
    }
}

/// Whether asking its driver for the speed makes sense.
pub fn may_have_speed(link: &Link) -> bool {
    link.is_up && !link.is_loopback && matches!(link.kind.as_slice(), b"" | b"bond" | b"team" | b"vlan")
}

/// Interfaces in order, at most `max`.
pub fn assemble(
    mut links: Vec<Link>,
    addresses: &[Address],
    default_route: Option<u32>,
    max: usize,
    mut speed: impl FnMut(&Link) -> Option<u32>,
) -> Vec<Interface> {
    links.sort_by_key(|link| (rank(link, default_route), link.index));
    links.truncate(max);
    links.iter().map(|link| interface(link, addresses, speed(link))).collect()
}

fn interface(link: &Link, addresses: &[Address], speed_mbps: Option<u32>) -> Interface {
    let Link { counters, .. } = link;
    Interface {
        name: printable(&link.name, 64),
        mac_address: hardware_address(&link.address),
        is_up: link.is_up,
        ip_addresses: addresses_of(link.index, addresses),
        mtu: link.mtu.min(MAX_COUNT),
        speed_mbps,
        bytes_received: counter(counters.bytes.0),
        bytes_sent: counter(counters.bytes.1),
        packets_received: counter(counters.packets.0),
        packets_sent: counter(counters.packets.1),
        errors_in: counter(counters.errors.0),
        errors_out: counter(counters.errors.1),
        drops_in: counter(counters.drops.0),
        drops_out: counter(counters.drops.1),
    }
}

/// Those for new connections before deprecated ones, global before link-local, IPv4 before IPv6, else as the kernel lists
/// them: its first is the primary one.
fn addresses_of(index: u32, addresses: &[Address]) -> Vec<String> {
    let mut own: Vec<_> = addresses.iter().filter(|address| address.link == index).collect();
    own.sort_by_key(|address| (address.is_deprecated, is_link_local(&address.ip), address.ip.is_ipv6()));
    own.iter().take(MAX_ADDRESSES).map(|address| address.ip.to_string()).collect()
}

fn is_link_local(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// Six bytes, or the twenty of InfiniBand; the loopback's zeros are none.
fn hardware_address(bytes: &[u8]) -> String {
    if !matches!(bytes.len(), 6 | 8 | 20) || bytes.iter().all(|b| *b == 0) {
        return String::new();
    }
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, name: &str, kind: &str, is_up: bool) -> Link {
        Link {
            index,
            name: name.into(),
            kind: kind.into(),
            is_up,
            is_loopback: name == "lo",
            address: vec![2, 0, 0, 0, 0, 0xab],
            ..Link::default()
        }
    }

    fn order(links: Vec<Link>, default_route: Option<u32>) -> Vec<String> {
        assemble(links, &[], default_route, 99, |_| None).into_iter().map(|i| i.name).collect()
    }

    #[test]
    fn the_default_routes_interface_comes_first_and_the_containers_last() {
        let links = || {
            vec![
                link(1, "lo", "", true),
                link(2, "docker0", "bridge", true),
                link(3, "eth0", "", false),
                link(4, "eth1", "", true),
                link(5, "wg0", "wireguard", true),
                link(6, "bond0", "bond", true),
            ]
        };
        assert_eq!(order(links(), Some(6)), ["bond0", "eth1", "eth0", "wg0", "docker0", "lo"]);
        assert_eq!(order(links(), None), ["eth1", "bond0", "eth0", "wg0", "docker0", "lo"]);
        // A hypervisor's own bridge holds the address.
        assert_eq!(order(links(), Some(2))[0], "docker0");
    }

    #[test]
    fn addresses_carry_no_prefix_and_link_local_and_deprecated_ones_come_last() {
        let ips = ["fe80::1", "2001:db8::1", "169.254.1.1", "192.0.2.1", "192.0.2.2"];
        let address = |link, ip, is_deprecated| Address { link, ip, prefix: 24, is_deprecated };
        let own = ips.iter().map(|ip| address(4, ip.parse().unwrap(), *ip == "2001:db8::1"));
        let addresses: Vec<_> = own.chain([address(5, [9, 9, 9, 9].into(), false)]).collect();
        let list = assemble(vec![link(4, "eth0", "", true)], &addresses, None, 9, |_| Some(1000));
        assert_eq!(list[0].ip_addresses, ["192.0.2.1", "192.0.2.2", "169.254.1.1", "fe80::1", "2001:db8::1"]);
        assert_eq!((list[0].mac_address.as_str(), list[0].speed_mbps), ("02:00:00:00:00:ab", Some(1000)));
    }

    #[test]
    fn no_address_and_a_tunnels_end_point_are_no_mac_address() {
        assert_eq!(hardware_address(&[0; 6]), "");
        assert_eq!(hardware_address(&[192, 0, 2, 1]), "");
    }

    #[test]
    fn the_list_is_bounded() {
        let links = (1..50).map(|i| link(i, "veth", "veth", true)).collect();
        assert_eq!(assemble(links, &[], None, 10, |_| None).len(), 10);
    }
}
