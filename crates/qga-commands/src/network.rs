//! Interfaces, as the collector's readers have them.

use infiniservice_collector::network::route::{Address, Link};
use infiniservice_platform::linux::text::printable;
use infiniservice_qga::reply::{Interface, InterfaceCounters, IpAddress, IpAddressType};
use infiniservice_qga::{Error, Reply};

/// Longest name that the kernel gives an interface (`IFNAMSIZ`), with every byte of it escaped.
const MAX_NAME_BYTES: usize = 64;

/// `guest-network-get-interfaces`.
pub fn interfaces() -> Result<Reply, Error> {
    let told = infiniservice_collector::links_and_addresses();
    let (links, addresses) =
        told.map_err(|error| Error::generic(format!("failed to list interfaces: {error}")))?;
    Ok(Reply::Interfaces(links.iter().map(|link| interface(link, &addresses)).collect()))
}

fn interface(link: &Link, addresses: &[Address]) -> Interface {
    let own = addresses.iter().filter(|address| address.link == link.index);
    let ip_addresses: Vec<IpAddress> = own.map(ip_address).collect();
    Interface {
        name: printable(&link.name, MAX_NAME_BYTES),
        hardware_address: hardware_address(&link.address),
        ip_addresses: Some(ip_addresses).filter(|addresses| !addresses.is_empty()),
        statistics: Some(counters(link)),
    }
}

fn ip_address(address: &Address) -> IpAddress {
    let is_v6 = address.ip.is_ipv6();
    IpAddress {
        ip_address: address.ip.to_string(),
        ip_address_type: if is_v6 { IpAddressType::Ipv6 } else { IpAddressType::Ipv4 },
        prefix: i64::from(address.prefix),
    }
}

/// The loopback has one too, of zeros; a tunnel's end point is none.
fn hardware_address(bytes: &[u8]) -> Option<String> {
    let text = || bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":");
    (bytes.len() == 6).then(text)
}

fn counters(link: &Link) -> InterfaceCounters {
    let of = &link.counters;
    InterfaceCounters {
        rx_bytes: of.bytes.0,
        rx_packets: of.packets.0,
        rx_errs: of.errors.0,
        rx_dropped: of.drops.0,
        tx_bytes: of.bytes.1,
        tx_packets: of.packets.1,
        tx_errs: of.errors.1,
        tx_dropped: of.drops.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_without_addresses_has_its_counters_and_its_name_all_the_same() {
        let link = Link {
            index: 3,
            name: b"ifb0".to_vec(),
            address: vec![0xea, 0x44, 1, 0x55, 0xbc, 0x4e],
            ..Link::default()
        };
        let ip = "fe80::fc:ff:fe00:1".parse().unwrap();
        let other = Address { link: 2, ip, prefix: 64, is_deprecated: false };
        let bare = serde_json::to_value(interface(&link, &[other])).unwrap();
        assert_eq!(bare["hardware-address"], "ea:44:01:55:bc:4e");
        assert!(bare.get("ip-addresses").is_none() && bare["statistics"]["rx-bytes"] == 0, "{bare}");
        let full = serde_json::to_value(interface(&Link { index: 2, ..link }, &[other])).unwrap();
        let address = &full["ip-addresses"][0];
        assert_eq!((&address["ip-address-type"], &address["prefix"]), (&"ipv6".into(), &64.into()));
    }
}
