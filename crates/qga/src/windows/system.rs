//! The system as a whole: its name and version, its zone, who is logged in, the drivers of the host's devices.

use crate::error::Error;
use crate::reply::{Device, DeviceId, OsInfo, Timezone, User};
use std::collections::BTreeMap;

/// From 1601 to 1970, in steps of 100 ns.
const EPOCH: i64 = 116_444_736_000_000_000;
/// The builds from which on a client, and a server, has its name.
const CLIENTS: [(u32, &str); 2] = [(22_000, "11"), (10_240, "10")];
const SERVERS: [(u32, &str); 4] = [(26_040, "2025"), (20_344, "2022"), (17_763, "2019"), (14_393, "2016")];
/// Vendors of the devices that QEMU makes.
const VENDORS: [u16; 2] = [0x1af4, 0x1b36];

/// `guest-get-osinfo`, of `Windows Server 2022 Standard`, `10.0.20348.2700` and `x86_64`.
pub fn os_info(product: &str, kernel: &str, machine: &str) -> OsInfo {
    let mut numbers = kernel.split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let build = numbers.next().unwrap_or_default();
    let is_server = product.contains("Server");
    let names = if is_server { &SERVERS[..] } else { &CLIENTS[..] };
    let number: u32 = build.parse().unwrap_or_default();
    let version_id = names.iter().find(|(from, _)| number >= *from).map(|(_, name)| (*name).to_owned());
    let server = if is_server { "Server " } else { "" };
    let variant = if is_server { "server" } else { "client" };
    OsInfo {
        id: Some("mswindows".into()),
        name: Some("Microsoft Windows".into()),
        pretty_name: Some(product.to_owned()),
        version: version_id.as_ref().map(|id| format!("Microsoft Windows {server}{id}")),
        version_id,
        variant: Some(variant.into()),
        variant_id: Some(variant.into()),
        kernel_release: Some(build.to_owned()),
        kernel_version: Some(format!("{major}.{minor}")),
        machine: Some(machine.to_owned()),
    }
}

/// `guest-get-timezone`, by the minutes from local time to UTC.
pub fn timezone(name: String, bias_minutes: i64) -> Timezone {
    Timezone { zone: Some(name).filter(|name| !name.is_empty()), offset: bias_minutes.saturating_mul(-60) }
}

/// Nanoseconds since 1970 as the system counts: in steps of 100 ns since 1601.
pub fn file_time(time: i64) -> Result<u64, Error> {
    u64::try_from(time / 100 + EPOCH).map_err(|_| Error::generic("Invalid time"))
}

/// `guest-get-users`, of names, domains and times: each once, since the first of his logins.
pub fn users(sessions: impl IntoIterator<Item = (String, String, u64)>) -> Vec<User> {
    let mut first: BTreeMap<(String, String), u64> = BTreeMap::new();
    for (user, domain, since) in sessions {
        first.entry((user, domain)).and_modify(|known| *known = since.min(*known)).or_insert(since);
    }
    let user = |((user, domain), since)| {
        let since = i64::try_from(since).unwrap_or_default().saturating_sub(EPOCH).max(0);
        User { user, login_time: since as f64 / 1e7, domain: Some(domain) }
    };
    first.into_iter().map(user).collect()
}

/// `guest-get-devices`: one of QEMU's devices; `None`: it is none of them.
pub fn device(
    hardware_ids: &[String],
    name: &str,
    version: Option<&str>,
    date: Option<u64>,
) -> Option<Device> {
    let (vendor_id, device_id) = hardware_ids.iter().find_map(|id| pci(id))?;
    VENDORS.contains(&vendor_id).then(|| Device {
        driver_name: name.to_owned(),
        driver_date: date.and_then(since_1970),
        driver_version: version.map(str::to_owned),
        id: Some(DeviceId::Pci { vendor_id, device_id }),
    })
}

/// Nanoseconds since 1970.
fn since_1970(time: u64) -> Option<i64> {
    i64::try_from(time).ok()?.checked_sub(EPOCH)?.checked_mul(100)
}

/// Vendor and device of `PCI\VEN_1AF4&DEV_1041&SUBSYS_…`.
fn pci(id: &str) -> Option<(u16, u16)> {
    let id = id.to_ascii_uppercase();
    let mut parts = id.strip_prefix(r"PCI\")?.split('&');
    let mut number = |name: &str| u16::from_str_radix(parts.next()?.strip_prefix(name)?, 16).ok();
    number("VEN_").zip(number("DEV_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_and_a_server_have_their_names_by_their_builds() {
        let told = |product, kernel| {
            let info = os_info(product, kernel, "x86_64");
            (info.version.unwrap_or_default(), info.version_id.unwrap_or_default())
        };
        let both = |id: &str, text: &str| (text.to_owned(), id.to_owned());
        assert_eq!(told("Windows 11 Pro", "10.0.22631.4460"), both("11", "Microsoft Windows 11"));
        assert_eq!(told("Windows 10 Pro", "10.0.19045"), both("10", "Microsoft Windows 10"));
        let server = "Windows Server 2022 Standard";
        assert_eq!(told(server, "10.0.20348.2700"), both("2022", "Microsoft Windows Server 2022"));
        assert_eq!(told("Windows 7", "6.1.7601"), (String::new(), String::new()));
        let info = os_info(server, "10.0.20348.2700", "x86_64");
        assert_eq!(
            (info.kernel_release.as_deref(), info.kernel_version.as_deref()),
            (Some("20348"), Some("10.0"))
        );
        assert_eq!((info.id.as_deref(), info.variant_id.as_deref()), (Some("mswindows"), Some("server")));
    }

    #[test]
    fn east_of_greenwich_is_ahead() {
        assert_eq!(timezone("W. Europe Daylight Time".into(), -120).offset, 7200);
        assert_eq!(timezone(String::new(), 300), Timezone { zone: None, offset: -18_000 });
    }

    #[test]
    fn times_are_counted_from_1601_there_and_from_1970_here() {
        assert_eq!(file_time(0).unwrap(), 116_444_736_000_000_000);
        assert_eq!(file_time(1_700_000_000_123_456_789).unwrap(), 133_444_736_001_234_567);
        assert_eq!(since_1970(133_444_736_001_234_567), Some(1_700_000_000_123_456_700));
        assert_eq!(since_1970(u64::MAX), None);
    }

    #[test]
    fn each_user_of_a_domain_is_told_once_since_his_first_login() {
        let login = |user: &str, domain: &str, since| (user.to_owned(), domain.to_owned(), since);
        let told = users([
            login("ann", "PC", 133_444_736_005_000_000),
            login("ann", "PC", 133_444_736_000_000_000),
            login("ann", "CORP", 0),
        ]);
        assert_eq!(told.len(), 2);
        assert_eq!((told[0].domain.as_deref(), told[0].login_time), (Some("CORP"), 0.0));
        assert_eq!((told[1].domain.as_deref(), told[1].login_time), (Some("PC"), 1_700_000_000.0));
    }

    #[test]
    fn devices_are_those_of_qemus_vendors() {
        let of = |id: &str| device(&[id.to_owned()], "VirtIO", Some("100.95"), Some(133_444_736_000_000_000));
        let net = of(r"PCI\VEN_1AF4&DEV_1041&SUBSYS_11001AF4&REV_01").unwrap();
        assert_eq!(net.id, Some(DeviceId::Pci { vendor_id: 0x1af4, device_id: 0x1041 }));
        assert_eq!(net.driver_date, Some(1_700_000_000_000_000_000));
        assert!(of(r"pci\ven_1b36&dev_000d").is_some());
        for other in [r"PCI\VEN_8086&DEV_100E", r"USB\VID_1AF4", r"PCI\VEN_1AF4", ""] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
