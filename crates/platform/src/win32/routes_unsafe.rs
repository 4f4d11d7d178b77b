//! The routes of both versions of IP.
#![allow(unsafe_code)]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use windows::Win32::NetworkManagement::IpHelper::{
    FreeMibTable, GetIpForwardTable2, MIB_IPFORWARD_ROW2, MIB_IPFORWARD_TABLE2,
};
use windows::Win32::Networking::WinSock::{AF_INET, AF_INET6, AF_UNSPEC, SOCKADDR_INET};

/// Routes that are told of.
const MAX_ROUTES: usize = 10_000;

/// One way to a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The interface's number.
    pub link: u32,
    /// The network's address.
    pub network: IpAddr,
    /// Bits of the network.
    pub prefix: u8,
    /// Unspecified: directly.
    pub next_hop: IpAddr,
    /// The smaller is preferred; the interface's own is added to it.
    pub metric: u32,
}

/// All of them.
pub fn routes() -> io::Result<Vec<Route>> {
    let mut table: *mut MIB_IPFORWARD_TABLE2 = std::ptr::null_mut();
    // SAFETY: the call allocates the table, which is freed below.
    let code = unsafe { GetIpForwardTable2(AF_UNSPEC, &raw mut table) };
    if code.0 != 0 || table.is_null() {
        return Err(io::Error::from_raw_os_error(code.0.cast_signed()));
    }
    // SAFETY: the table has as many rows behind its count as that says.
    let rows = unsafe {
        let count = (*table).NumEntries as usize;
        std::slice::from_raw_parts((&raw const (*table).Table).cast::<MIB_IPFORWARD_ROW2>(), count)
    };
    let all = rows.iter().take(MAX_ROUTES).filter_map(route).collect();
    // SAFETY: the table came from GetIpForwardTable2, and nothing refers to it any more.
    unsafe { FreeMibTable(table.cast()) };
    Ok(all)
}

fn route(row: &MIB_IPFORWARD_ROW2) -> Option<Route> {
    Some(Route {
        link: row.InterfaceIndex,
        network: address(&row.DestinationPrefix.Prefix)?,
        prefix: row.DestinationPrefix.PrefixLength,
        next_hop: address(&row.NextHop)?,
        metric: row.Metric,
    })
}

fn address(of: &SOCKADDR_INET) -> Option<IpAddr> {
    // SAFETY: the family says which member of the union is there, and all are valid for any bits.
    unsafe {
        match of.si_family {
            AF_INET => Some(Ipv4Addr::from(of.Ipv4.sin_addr.S_un.S_addr.to_ne_bytes()).into()),
            AF_INET6 => Some(Ipv6Addr::from(of.Ipv6.sin6_addr.u.Byte).into()),
            _ => None,
        }
    }
}
