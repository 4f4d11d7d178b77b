//! Which of a machine's devices are virtio serial, told by their hardware ids; and which ports to try, in order.

use super::super::candidates::{AGENT_PORT, GUEST_AGENT_PREFIX, Role};
use super::paths::AGENT_PATHS;
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
/// announces, then COM ports of virtio.
pub fn attempts(configured: Option<&Path>, interfaces: &[String], devices: &[Device]) -> Vec<Attempt> {
    if let Some(path) = configured {
        return vec![(path.into(), Role::Configured)];
    }
    let own = AGENT_PATHS.iter().map(|path| (path.into(), Role::Agent));
    let announced = interfaces.iter().map(|path| (path.into(), Role::Unnamed));
    let com = devices.iter().filter(|device| is_virtio_serial(device)).filter_map(com_port);
    own.chain(announced).chain(com.map(|name| (name.into(), Role::Unnamed))).collect()
}

/// What an opened port is to the agent, by the name that its driver tells: another product's is closed at once.
pub fn role_by_name(name: Option<&str>) -> Role {
    match name {
        Some(AGENT_PORT) => Role::Agent,
        Some(name) if name.starts_with(GUEST_AGENT_PREFIX) => Role::GuestAgent,
        Some(_) => Role::Foreign,
        None => Role::Unnamed,
    }
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
        let tried = attempts(Some(Path::new("COM7")), &["x".into()], &[]);
        assert_eq!(tried, [(PathBuf::from("COM7"), Role::Configured)]);
    }

    #[test]
    fn the_agents_own_name_comes_first_then_announced_ports_then_com_ports_of_virtio() {
        let devices = [
            device(r"ACPI\PNP0501", "Communications Port (COM1)"),
            device(r"PCI\VEN_1AF4&DEV_1003&SUBSYS_00031AF4", "VirtIO Serial Port (COM12)"),
        ];
        let tried = attempts(None, &[r"\\?\vioserial#1".into()], &devices);
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
    fn names_without_a_com_port_have_none() {
        for name in ["", "VirtIO Serial Driver", "x (COM)", "COM3", "x (COM3) y", "(COMX)"] {
            assert_eq!(com_port(&device("", name)), None, "{name}");
        }
    }
}
