//! Network interfaces and their addresses.
#![allow(unsafe_code)]

use crate::error::CollectError;
use crate::network::route::{Address, Counters, Link};
use infiniservice_platform::win32::wide::narrow;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use windows::Win32::NetworkManagement::IpHelper::{
    FreeMibTable, GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_DNS_SERVER, GAA_FLAG_SKIP_MULTICAST,
    GET_ADAPTERS_ADDRESSES_FLAGS, GetAdaptersAddresses, GetBestInterface, GetIfTable2,
    IP_ADAPTER_ADDRESSES_LH, MIB_IF_ROW2, MIB_IF_TABLE2,
};
use windows::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, SOCKADDR, SOCKADDR_IN, SOCKADDR_IN6,
};

/// `IF_TYPE_SOFTWARE_LOOPBACK` and `IF_TYPE_TUNNEL` (`ipifcons.h`).
const LOOPBACK: u32 = 24;
const TUNNEL: u32 = 131;
/// `FilterInterface` of the flags: a layer of a driver, not an interface of its own.
const FILTER: u8 = 2;
/// `IfOperStatusUp`.
const UP: i32 = 1;
/// `ERROR_BUFFER_OVERFLOW`.
const OVERFLOW: u32 = 111;
const MAX_BYTES: usize = 16 << 20;

/// An interface with its speed in bits a second, 0 where it has none.
pub type Row = (Link, u64);

/// All but the layers of drivers.
pub fn links() -> Result<Vec<Row>, CollectError> {
    let mut table: *mut MIB_IF_TABLE2 = std::ptr::null_mut();
    // SAFETY: the call allocates the table, which is freed below.
    let code = unsafe { GetIfTable2(&raw mut table) };
    if code.0 != 0 || table.is_null() {
        let error = io::Error::from_raw_os_error(code.0.cast_signed());
        return Err(CollectError::io("GetIfTable2", error));
    }
    // SAFETY: the table has as many rows behind its count as that says.
    let rows = unsafe {
        let count = (*table).NumEntries as usize;
        std::slice::from_raw_parts((&raw const (*table).Table).cast::<MIB_IF_ROW2>(), count)
    };
    let links =
        rows.iter().filter(|row| row.InterfaceAndOperStatusFlags._bitfield & FILTER == 0).map(link).collect();
    // SAFETY: the table came from GetIfTable2, and nothing refers to it any more.
    unsafe { FreeMibTable(table.cast()) };
    Ok(links)
}

fn link(row: &MIB_IF_ROW2) -> Row {
    let length = (row.PhysicalAddressLength as usize).min(row.PhysicalAddress.len());
    let link = Link {
        index: row.InterfaceIndex,
        name: narrow(&row.Alias).into_bytes(),
        address: row.PhysicalAddress[..length].to_vec(),
        mtu: row.Mtu,
        is_up: row.OperStatus.0 == UP,
        is_loopback: row.Type == LOOPBACK,
        kind: if row.Type == TUNNEL { b"tun".to_vec() } else { Vec::new() },
        counters: Counters {
            packets: (
                row.InUcastPkts.saturating_add(row.InNUcastPkts),
                row.OutUcastPkts.saturating_add(row.OutNUcastPkts),
            ),
            bytes: (row.InOctets, row.OutOctets),
            errors: (row.InErrors, row.OutErrors),
            drops: (row.InDiscards, row.OutDiscards),
        },
    };
    (link, row.TransmitLinkSpeed)
}

/// `NL_DAD_STATE` (nldef.h): no address, its duplicate is looked for, its duplicate was found.
const NOT_IN_USE: [i32; 3] = [0, 1, 2];
/// `NldsDeprecated`.
const DEPRECATED: i32 = 3;

/// Addresses that are in use.
pub fn addresses() -> Result<Vec<Address>, CollectError> {
    let flags = GET_ADAPTERS_ADDRESSES_FLAGS(
        GAA_FLAG_SKIP_ANYCAST.0 | GAA_FLAG_SKIP_MULTICAST.0 | GAA_FLAG_SKIP_DNS_SERVER.0,
    );
    let mut buffer = vec![0u64; 2 << 10];
    loop {
        let mut size = (buffer.len() * 8) as u32;
        let start = buffer.as_mut_ptr().cast::<IP_ADAPTER_ADDRESSES_LH>();
        // SAFETY: the buffer is as long as `size` says.
        let code =
            unsafe { GetAdaptersAddresses(AF_UNSPEC.0.into(), flags, None, Some(start), &raw mut size) };
        match code {
            0 => return Ok(walk(start)),
            // ERROR_NO_DATA: no addresses at all.
            232 => return Ok(Vec::new()),
            OVERFLOW if buffer.len() * 16 <= MAX_BYTES => buffer.resize(buffer.len() * 2, 0),
            other => {
                let error = io::Error::from_raw_os_error(other.cast_signed());
                return Err(CollectError::io("GetAdaptersAddresses", error));
            }
        }
    }
}

fn walk(first: *const IP_ADAPTER_ADDRESSES_LH) -> Vec<Address> {
    let mut found = Vec::new();
    let mut adapter = first;
    // SAFETY: each pointer is null or leads to the next record in the buffer that Windows has just filled.
    while let Some(one) = unsafe { adapter.as_ref() } {
        // SAFETY: both members of the union are valid for any bits.
        let index = match unsafe { one.Anonymous1.Anonymous.IfIndex } {
            0 => one.Ipv6IfIndex,
            index => index,
        };
        let mut unicast = one.FirstUnicastAddress;
        // SAFETY: as above.
        while let Some(address) = unsafe { unicast.as_ref() } {
            let is_deprecated = address.DadState.0 == DEPRECATED;
            let ip = ip(address.Address.lpSockaddr).filter(|_| !NOT_IN_USE.contains(&address.DadState.0));
            found.extend(ip.map(|ip| Address { link: index, ip, is_deprecated }));
            unicast = address.Next;
        }
        adapter = one.Next;
    }
    found
}

#[allow(clippy::cast_ptr_alignment, reason = "read unaligned")]
fn ip(address: *const SOCKADDR) -> Option<IpAddr> {
    // SAFETY: null, or an address of the family that it says, in the buffer that Windows has just filled.
    unsafe {
        match address.as_ref()?.sa_family {
            AF_INET => {
                let four = address.cast::<SOCKADDR_IN>().read_unaligned().sin_addr.S_un.S_addr;
                Some(IpAddr::V4(Ipv4Addr::from(four.to_ne_bytes())))
            }
            AF_INET6 => {
                let sixteen = address.cast::<SOCKADDR_IN6>().read_unaligned().sin6_addr.u.Byte;
                Some(IpAddr::V6(Ipv6Addr::from(sixteen)))
            }
            _ => None,
        }
    }
}

/// The interface by which the internet is reached; nothing is sent.
pub fn default_route() -> Option<u32> {
    let mut index = 0;
    let far_away = u32::from_ne_bytes([1, 1, 1, 1]);
    // SAFETY: the number is ours and outlives the call.
    let code = unsafe { GetBestInterface(far_away, &raw mut index) };
    (code == 0).then_some(index)
}
