//! Interfaces by `NETLINK_ROUTE`; their speed from `/sys/class/net`.

use super::files::Tree;
use super::netlink::Netlink;
use crate::collector::error::CollectError;
use crate::collector::network::interfaces::{assemble, may_have_speed};
use crate::collector::network::route::{self, Link};
use crate::collector::text::unsigned;
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

fn links(netlink: &mut Netlink) -> Result<Vec<Link>, CollectError> {
    let mut links = Vec::new();
    netlink.dump("links", route::RTM_GETLINK, &ALL_LINKS, |message| {
        links.extend(route::link(message.payload).filter(|_| message.kind == route::RTM_NEWLINK));
    })?;
    Ok(links)
}

fn addresses(netlink: &mut Netlink) -> Result<Vec<(u32, IpAddr)>, CollectError> {
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

/// Mb/s. Drivers of virtual devices answer -1 or an error when they do not know.
fn speed(sys: &mut Tree, link: &Link) -> Option<u32> {
    let name = std::str::from_utf8(&link.name).ok().filter(|_| may_have_speed(link))?;
    let speed = unsigned(sys.read(&format!("class/net/{name}/speed")).ok()?.trim_ascii())?;
    u32::try_from(speed).ok().filter(|speed| (1..i32::MAX as u32).contains(speed))
}
