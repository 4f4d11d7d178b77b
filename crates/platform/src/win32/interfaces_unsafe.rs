//! The network: interfaces and their addresses, and the sockets of TCP and UDP with their owners, as tables of bytes.
#![allow(unsafe_code)]

use super::wide::narrow;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use windows::Win32::Foundation::ERROR_INSUFFICIENT_BUFFER;
use windows::Win32::NetworkManagement::IpHelper::{
    FreeMibTable, GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_DNS_SERVER, GAA_FLAG_SKIP_MULTICAST,
    GET_ADAPTERS_ADDRESSES_FLAGS, GetAdaptersAddresses, GetBestInterface, GetExtendedTcpTable,
    GetExtendedUdpTable, GetIfTable2, IP_ADAPTER_ADDRESSES_LH, MIB_IF_ROW2, MIB_IF_TABLE2,
    TCP_TABLE_OWNER_PID_ALL, UDP_TABLE_OWNER_PID,
};
use windows::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, SOCKADDR, SOCKADDR_IN, SOCKADDR_IN6,
};

/// `HardwareInterface` of the flags.
const HARDWARE: u8 = 1;
/// `FilterInterface` of the flags: a layer of a driver, not an interface of its own.
const FILTER: u8 = 2;
/// `IfOperStatusUp`.
const UP: i32 = 1;
/// `ERROR_BUFFER_OVERFLOW`.
const OVERFLOW: u32 = 111;
const MAX_BYTES: usize = 16 << 20;

/// An interface, with what it counted in and out since boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// The system's number.
    pub index: u32,
    /// Its name, as people see it.
    pub alias: String,
    /// Hardware address; empty where there is none.
    pub address: Vec<u8>,
    /// Bytes.
    pub mtu: u32,
    /// A device, not a part of the system.
    pub is_hardware: bool,
    /// `IfOperStatusUp`.
    pub is_up: bool,
    /// `IF_TYPE_…`.
    pub kind: u32,
    /// Bits a second, 0 where it has none.
    pub speed: u64,
    /// Of one host, and of several.
    pub packets: (u64, u64),
    /// All of them.
    pub bytes: (u64, u64),
    /// Damaged ones.
    pub errors: (u64, u64),
    /// Those that were not wanted, or found no room.
    pub drops: (u64, u64),
}

/// An address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The interface's number.
    pub link: u32,
    /// The address.
    pub ip: IpAddr,
    /// Bits of its network.
    pub prefix: u8,
    /// No longer for new connections.
    pub is_deprecated: bool,
}

/// All but the layers of drivers.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let mut table: *mut MIB_IF_TABLE2 = std::ptr::null_mut();
    // SAFETY: the call allocates the table, which is freed below.
    let code = unsafe { GetIfTable2(&raw mut table) };
    if code.0 != 0 || table.is_null() {
        return Err(io::Error::from_raw_os_error(code.0.cast_signed()));
    }
    // SAFETY: the table has as many rows behind its count as that says.
    let rows = unsafe {
        let count = (*table).NumEntries as usize;
        std::slice::from_raw_parts((&raw const (*table).Table).cast::<MIB_IF_ROW2>(), count)
    };
    let all = rows.iter().filter(|row| row.InterfaceAndOperStatusFlags._bitfield & FILTER == 0);
    let all = all.map(interface).collect();
    // SAFETY: the table came from GetIfTable2, and nothing refers to it any more.
    unsafe { FreeMibTable(table.cast()) };
    Ok(all)
}

fn interface(row: &MIB_IF_ROW2) -> Interface {
    let length = (row.PhysicalAddressLength as usize).min(row.PhysicalAddress.len());
    Interface {
        index: row.InterfaceIndex,
        alias: narrow(&row.Alias),
        address: row.PhysicalAddress[..length].to_vec(),
        mtu: row.Mtu,
        is_hardware: row.InterfaceAndOperStatusFlags._bitfield & HARDWARE != 0,
        is_up: row.OperStatus.0 == UP,
        kind: row.Type,
        speed: row.TransmitLinkSpeed,
        packets: (
            row.InUcastPkts.saturating_add(row.InNUcastPkts),
            row.OutUcastPkts.saturating_add(row.OutNUcastPkts),
        ),
        bytes: (row.InOctets, row.OutOctets),
        errors: (row.InErrors, row.OutErrors),
        drops: (row.InDiscards, row.OutDiscards),
    }
}

/// `NL_DAD_STATE` (nldef.h): no address, its duplicate is looked for, its duplicate was found.
const NOT_IN_USE: [i32; 3] = [0, 1, 2];
/// `NldsDeprecated`.
const DEPRECATED: i32 = 3;

/// Addresses that are in use.
pub fn addresses() -> io::Result<Vec<Address>> {
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
            other => return Err(io::Error::from_raw_os_error(other.cast_signed())),
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
            let prefix = address.OnLinkPrefixLength;
            found.extend(ip.map(|ip| Address { link: index, ip, prefix, is_deprecated }));
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

/// `AF_INET` and `AF_INET6`.
const IPV4: u32 = 2;
const IPV6: u32 = 23;
/// Answers larger than this are not believed.
const MAX_TABLE_BYTES: usize = 64 << 20;

/// One table (`MIB_TCPTABLE_OWNER_PID` and its like) in `buffer`, which grows as it must, and zeroes or what was there behind it.
pub fn table(buffer: &mut Vec<u64>, is_tcp: bool, is_ipv6: bool) -> io::Result<&[u8]> {
    let family = if is_ipv6 { IPV6 } else { IPV4 };
    if buffer.is_empty() {
        buffer.resize(2 << 10, 0);
    }
    loop {
        let bytes = buffer.len() * 8;
        let (start, mut size) = (buffer.as_mut_ptr().cast(), bytes as u32);
        let code = if is_tcp {
            // SAFETY: the buffer is as long as `size` says.
            unsafe {
                GetExtendedTcpTable(Some(start), &raw mut size, false, family, TCP_TABLE_OWNER_PID_ALL, 0)
            }
        } else {
            // SAFETY: the buffer is as long as `size` says.
            unsafe { GetExtendedUdpTable(Some(start), &raw mut size, false, family, UDP_TABLE_OWNER_PID, 0) }
        };
        if code == 0 {
            // SAFETY: the buffer has this many bytes, and any bytes are valid as bytes.
            return Ok(unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), bytes) });
        }
        let wanted = bytes.max(size as usize).saturating_mul(2);
        if code != ERROR_INSUFFICIENT_BUFFER.0 || wanted > MAX_TABLE_BYTES {
            return Err(io::Error::from_raw_os_error(code.cast_signed()));
        }
        buffer.resize(wanted / 8, 0);
    }
}
