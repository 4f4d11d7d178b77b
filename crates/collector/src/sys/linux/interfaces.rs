//! Interfaces by `NETLINK_ROUTE`; their speed from `/sys/class/net`.

use super::files::Tree;
use super::netlink::Netlink;
use crate::error::CollectError;
use crate::network::route::{self, Address, Link};
use crate::network::{assemble, may_have_speed};
use infiniservice_platform::linux::text::unsigned;
use infiniservice_protocol::metrics::Interface;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Any address in the internet: only the way there is asked for, nothing is sent.
const FAR_AWAY: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111)),
];
/// `struct ifinfomsg` of zeros, then `IFLA_EXT_MASK` 0.
const ALL_LINKS: [u8; 16] = [0; 16];
/// `struct ifaddrmsg` of zeros.
const ALL_ADDRESSES: [u8; 8] = [0; 8];

/// The list, and how many there are in all.
pub fn interfaces(
    netlink: &mut Netlink,
    sys: &mut Tree,
    max: usize,
) -> Result<(Vec<Interface>, usize), CollectError> {
    let (links, addresses) = (links(netlink)?, addresses(netlink)?);
    let total = links.len();
    let default_route = default_route(netlink);
    let list = assemble(links, &addresses, default_route, max, |link| speed(sys, link));
    Ok((list, total))
}

/// All links and addresses of this machine, for whoever shows them in his own way.
pub fn links_and_addresses() -> Result<(Vec<Link>, Vec<Address>), CollectError> {
    let mut netlink = Netlink::new(None);
    Ok((links(&mut netlink)?, addresses(&mut netlink)?))
}

fn links(netlink: &mut Netlink) -> Result<Vec<Link>, CollectError> {
    let mut links = Vec::new();
    netlink.dump("links", route::RTM_GETLINK, &ALL_LINKS, |message| {
        links.extend(route::link(message.payload).filter(|_| message.kind == route::RTM_NEWLINK));
    })?;
    Ok(links)
}

fn addresses(netlink: &mut Netlink) -> Result<Vec<Address>, CollectError> {
    let mut addresses = Vec::new();
    netlink.dump("addresses", route::RTM_GETADDR, &ALL_ADDRESSES, |message| {
        addresses.extend(route::address(message.payload).filter(|_| message.kind == route::RTM_NEWADDR));
    })?;
    Ok(addresses)
}

/// The link by which the internet is reached; none where the kernel says that it is not.
fn default_route(netlink: &mut Netlink) -> Option<u32> {
    FAR_AWAY.into_iter().find_map(|ip| {
        let mut link = None;
        let asked = netlink.get("route", route::RTM_GETROUTE, &route::route_request(ip), |message| {
            link = route::route(message.payload).filter(|_| message.kind == route::RTM_NEWROUTE);
        });
        asked.ok().and(link)
    })
}

/// Mb/s. Drivers that do not know answer -1, as a number of 16 or of 32 bits, or an error (`ethtool(8)`'s `Unknown!`).
fn speed(sys: &mut Tree, link: &Link) -> Option<u32> {
    let name = std::str::from_utf8(&link.name).ok().filter(|_| may_have_speed(link))?;
    known_speed(sys.read(&format!("class/net/{name}/speed")).ok()?)
}

fn known_speed(text: &[u8]) -> Option<u32> {
    let speed = u32::try_from(unsigned(text.trim_ascii())?).ok()?;
    (1..i32::MAX as u32).contains(&speed).then_some(speed).filter(|speed| *speed != u32::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_that_the_driver_does_not_know_is_none() {
        for unknown in ["65535\n", "4294967295\n", "-1\n", "0\n", "\n"] {
            assert_eq!(known_speed(unknown.as_bytes()), None, "{unknown}");
        }
        for known in [10, 1000, 65_534, 65_536, 400_000] {
            assert_eq!(known_speed(format!("{known}\n").as_bytes()), Some(known));
        }
    }
}
