//! Routes, as `MIB_IPFORWARD_ROW2` has them.

use crate::reply::Route;
use std::net::{IpAddr, Ipv4Addr};

/// A row of `guest-network-get-route`.
pub fn route(iface: String, network: IpAddr, prefix: u8, through: IpAddr, metric: u32) -> Route {
    let route = Route { iface, destination: network.to_string(), metric: metric.into(), ..Route::default() };
    if network.is_ipv4() {
        let (gateway, mask) = (Some(through.to_string()), Some(mask(prefix).to_string()));
        Route { gateway, mask, version: 4, ..route }
    } else {
        let (nexthop, destination_prefix) = (Some(through.to_string()), Some(prefix.to_string()));
        Route { nexthop, destination_prefix, version: 6, ..route }
    }
}

fn mask(prefix: u8) -> Ipv4Addr {
    let host = 32_u32.saturating_sub(prefix.into());
    u32::MAX.checked_shl(host).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_own_members() {
        let address = |text: &str| text.parse().unwrap();
        let four = route("Ethernet".into(), address("10.0.2.0"), 24, address("0.0.0.0"), 281);
        let told = serde_json::to_value(four).unwrap();
        assert_eq!(
            told,
            serde_json::json!({ "iface": "Ethernet", "destination": "10.0.2.0", "metric": 281,
                "gateway": "0.0.0.0", "mask": "255.255.255.0", "version": 4 })
        );
        let six = route("Ethernet".into(), address("fe80::"), 64, address("::"), 281);
        let told = serde_json::to_value(six).unwrap();
        assert_eq!((&told["nexthop"], &told["desprefixlen"]), (&"::".into(), &"64".into()));
        let masks = [0, 1, 32, 200].map(|prefix| mask(prefix).to_string());
        assert_eq!(masks, ["0.0.0.0", "128.0.0.0", "255.255.255.255", "255.255.255.255"]);
    }
}
