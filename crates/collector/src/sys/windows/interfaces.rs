//! Network interfaces and their addresses, out of what Windows tells of them.

use crate::error::CollectError;
use crate::network::route::{Address, Counters, Link};
pub use infiniservice_platform::win32::interfaces_unsafe::default_route;
use infiniservice_platform::win32::interfaces_unsafe::{self, Interface};

/// `IF_TYPE_SOFTWARE_LOOPBACK` and `IF_TYPE_TUNNEL` (`ipifcons.h`).
const LOOPBACK: u32 = 24;
const TUNNEL: u32 = 131;

/// An interface with its speed in bits a second, 0 where it has none.
pub type Row = (Link, u64);

/// All but the layers of drivers.
pub fn links() -> Result<Vec<Row>, CollectError> {
    let all = interfaces_unsafe::interfaces().map_err(|error| CollectError::io("GetIfTable2", error))?;
    Ok(all.into_iter().map(link).collect())
}

fn link(from: Interface) -> Row {
    let link = Link {
        index: from.index,
        name: from.alias.into_bytes(),
        address: from.address,
        mtu: from.mtu,
        is_up: from.is_up,
        is_loopback: from.kind == LOOPBACK,
        kind: if from.kind == TUNNEL { b"tun".to_vec() } else { Vec::new() },
        counters: Counters {
            packets: from.packets,
            bytes: from.bytes,
            errors: from.errors,
            drops: from.drops,
        },
    };
    (link, from.speed)
}

/// Addresses that are in use.
pub fn addresses() -> Result<Vec<Address>, CollectError> {
    let all =
        interfaces_unsafe::addresses().map_err(|error| CollectError::io("GetAdaptersAddresses", error))?;
    let address = |one: interfaces_unsafe::Address| Address {
        link: one.link,
        ip: one.ip,
        prefix: one.prefix,
        is_deprecated: one.is_deprecated,
    };
    Ok(all.into_iter().map(address).collect())
}
