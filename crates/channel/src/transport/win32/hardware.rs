//! Which of a machine's devices are virtio serial, told by their hardware ids; and which ports to try, in order.

use super::super::candidates::{AGENT_PORT, BULK_PORT, GUEST_AGENT_PREFIX};
use super::super::role::{Role, Search};
use super::paths::{AGENT_PATHS, BULK_PATHS, GUEST_AGENT_PATHS};
pub use infiniservice_platform::win32::device::Device;
use std::path::{Path, PathBuf};

/// A virtio serial controller's PCI device number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// `DEV_1003`: transitional.
    Transitional,
    /// `DEV_1043`: modern.
    Modern,
    /// `DEV_1044`: an entropy device by the standard, looked at because some hosts present the console by it.
    Entropy,
}

/// The model by a device's hardware ids; `None`: it is no virtio serial controller of PCI.
pub fn model(device: &Device) -> Option<Model> {
    let id = device
        .hardware_ids
        .iter()
        .map(|id| id.to_ascii_uppercase())
        .find(|id| id.starts_with(r"PCI\VEN_1AF4&"))?;
    match id.split('&').find_map(|part| part.strip_prefix("DEV_"))? {
        "1003" => Some(Model::Transitional),
        "1043" => Some(Model::Modern),
        "1044" => Some(Model::Entropy),
        _ => None,
    }
}

/// Whether the device has anything to do with virtio's serial ports: a controller, or a child of one.
pub fn is_virtio_serial(device: &Device) -> bool {
    let child = |id: &String| {
        id.to_ascii_uppercase().contains("VIOSERIAL") || id.to_ascii_uppercase().contains("VIRTIOSERIAL")
    };
    model(device).is_some() || device.hardware_ids.iter().any(child)
}

/// `COM3` out of `VirtIO Serial Port (COM3)`.
pub fn com_port(device: &Device) -> Option<String> {
    let (_, rest) = device.name.rsplit_once('(')?;
    let name = rest.strip_suffix(')')?;
    super::paths::com_number(name).map(|number| format!("COM{number}"))
}

/// A path to try, and what it is to the agent.
pub type Attempt = (PathBuf, Role);

/// What to try: the configured device alone; else the agent's own port by its name, then every port that the driver
/// announces, then COM ports of virtio. A COM port has no name, so that it is never the QEMU guest agent's.
pub fn attempts(
    configured: Option<&Path>,
    search: Search,
    interfaces: &[String],
    devices: &[Device],
) -> Vec<Attempt> {
    if let Some(path) = configured {
        return vec![(path.into(), Role::Configured)];
    }
    let (paths, role) = match search {
        Search::GuestAgent => (GUEST_AGENT_PATHS, Role::GuestAgent),
        Search::Bulk => (BULK_PATHS, Role::Bulk),
        Search::Agent | Search::AgentOrGuestAgent => (AGENT_PATHS, Role::Agent),
    };
    let own = paths.iter().map(|path| (path.into(), role));
    let announced = interfaces.iter().map(|path| (path.into(), Role::Unnamed));
    let com = devices.iter().filter(|device| role == Role::Agent && is_virtio_serial(device));
    let com = com.filter_map(com_port);
    own.chain(announced).chain(com.map(|name| (name.into(), Role::Unnamed))).collect()
}

/// What an opened port is to the agent, by the name that its driver tells: another product's is closed at once.
pub fn role_by_name(name: Option<&str>) -> Role {
    match name {
        Some(AGENT_PORT) => Role::Agent,
        Some(BULK_PORT) => Role::Bulk,
        Some(name) if name.starts_with(GUEST_AGENT_PREFIX) => Role::GuestAgent,
        Some(_) => Role::Foreign,
        None => Role::Unnamed,
    }
}

/// The channel that an opened port is, where that is not what is searched for. A port that is looked for by
/// its name alone must tell it itself where its path does not.
pub fn others(search: Search, role: Role, name: Option<&str>) -> Option<String> {
    if let Some(name) = name {
        let real = role_by_name(Some(name));
        return (real == Role::Foreign || !search.takes(real)).then(|| name.to_owned());
    }
    let by_name = matches!(search, Search::GuestAgent | Search::Bulk);
    (by_name && role == Role::Unnamed).then(|| "of a port without a name".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str, name: &str) -> Device {
        Device { hardware_ids: vec![id.into()], name: name.into(), ..Device::default() }
    }

    #[test]
    fn controllers_are_told_by_vendor_and_device() {
        let cases = [
            (r"PCI\VEN_1AF4&DEV_1003&SUBSYS_00031AF4&REV_00", Some(Model::Transitional)),
            (r"PCI\VEN_1AF4&DEV_1043&SUBSYS_11001AF4&REV_01", Some(Model::Modern)),
            (r"pci\ven_1af4&dev_1044&subsys_11001af4", Some(Model::Entropy)),
            (r"PCI\VEN_1AF4&DEV_1041&SUBSYS_11001AF4&REV_01", None),
            (r"PCI\VEN_8086&DEV_1043", None),
            (r"USB\VEN_1AF4&DEV_1043", None),
            ("", None),
        ];
        for (id, expected) in cases {
            assert_eq!(model(&device(id, "")), expected, "{id}");
        }
    }

    #[test]
    fn the_configured_device_is_the_only_one() {
        let tried = attempts(Some(Path::new("COM7")), Search::Agent, &["x".into()], &[]);
        assert_eq!(tried, [(PathBuf::from("COM7"), Role::Configured)]);
    }

    #[test]
    fn the_agents_own_name_comes_first_then_announced_ports_then_com_ports_of_virtio() {
        let devices = [
            device(r"ACPI\PNP0501", "Communications Port (COM1)"),
            device(r"PCI\VEN_1AF4&DEV_1003&SUBSYS_00031AF4", "VirtIO Serial Port (COM12)"),
        ];
        let tried = attempts(None, Search::Agent, &[r"\\?\vioserial#1".into()], &devices);
        let paths: Vec<String> = tried.iter().map(|(path, _)| path.display().to_string()).collect();
        assert_eq!(paths, [AGENT_PATHS[0], AGENT_PATHS[1], r"\\?\vioserial#1", "COM12"]);
    }

    #[test]
    fn another_products_port_is_known_by_its_name() {
        assert_eq!(role_by_name(Some("org.infinibay.agent")), Role::Agent);
        assert_eq!(role_by_name(Some("org.qemu.guest_agent.0")), Role::GuestAgent);
        assert_eq!(role_by_name(Some("com.redhat.spice.0")), Role::Foreign);
        assert_eq!(role_by_name(None), Role::Unnamed);
    }

    #[test]
    fn the_guest_agents_port_is_tried_by_its_name_and_never_as_a_com_port() {
        let devices = [device(r"PCI\VEN_1AF4&DEV_1003&SUBSYS_00031AF4", "VirtIO Serial Port (COM12)")];
        let tried = attempts(None, Search::GuestAgent, &[r"\\?\vioserial#1".into()], &devices);
        let named = GUEST_AGENT_PATHS.map(|path| (PathBuf::from(path), Role::GuestAgent));
        assert_eq!(tried[..2], named);
        assert_eq!(tried[2..], [(PathBuf::from(r"\\?\vioserial#1"), Role::Unnamed)]);
    }

    #[test]
    fn an_opened_port_of_another_search_is_let_go() {
        let qga = Some("org.qemu.guest_agent.0");
        for (search, role, name, is_others) in [
            (Search::GuestAgent, Role::Unnamed, qga, false),
            (Search::GuestAgent, Role::GuestAgent, None, false),
            (Search::Bulk, Role::Bulk, None, false),
            (Search::Bulk, Role::Unnamed, Some(BULK_PORT), false),
            (Search::Bulk, Role::Unnamed, None, true),
            (Search::Bulk, Role::Unnamed, Some(AGENT_PORT), true),
            (Search::Agent, Role::Unnamed, Some(BULK_PORT), true),
            (Search::GuestAgent, Role::Unnamed, None, true),
            (Search::GuestAgent, Role::Unnamed, Some(AGENT_PORT), true),
            (Search::Agent, Role::Unnamed, qga, true),
            (Search::Agent, Role::Unnamed, None, false),
            (Search::AgentOrGuestAgent, Role::Unnamed, qga, false),
            (Search::AgentOrGuestAgent, Role::Unnamed, Some("com.redhat.spice.0"), true),
        ] {
            assert_eq!(others(search, role, name).is_some(), is_others, "{search:?} {role:?} {name:?}");
        }
    }

    #[test]
    fn names_without_a_com_port_have_none() {
        for name in ["", "VirtIO Serial Driver", "x (COM)", "COM3", "x (COM3) y", "(COMX)"] {
            assert_eq!(com_port(&device("", name)), None, "{name}");
        }
    }
}
