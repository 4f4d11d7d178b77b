//! Names of devices in the Win32 device namespace.

use std::path::{Path, PathBuf};

/// The agent's own port in the global namespace, and as a session sees it.
pub const AGENT_PATHS: [&str; 2] = [r"\\.\Global\org.infinibay.agent", r"\\.\org.infinibay.agent"];

/// Those of its second port, for bulk.
pub const BULK_PATHS: [&str; 2] = [r"\\.\Global\org.infinibay.agent.bulk", r"\\.\org.infinibay.agent.bulk"];

/// Those of the QEMU guest agent's port. QEMU numbers them, and hosts use the first.
pub const GUEST_AGENT_PATHS: [&str; 2] =
    [r"\\.\Global\org.qemu.guest_agent.0", r"\\.\org.qemu.guest_agent.0"];

/// The path to open for what a person configured: `COM3` alone is a DOS device only up to `COM9`, so each is named in
/// full; everything else stays as it is.
pub fn to_open(configured: &Path) -> PathBuf {
    match configured.to_str().filter(|text| com_number(text).is_some()) {
        Some(text) => format!(r"\\.\{}", text.to_ascii_uppercase()).into(),
        None => configured.into(),
    }
}

/// A device's name in the Win32 device namespace, out of a path that leads there.
pub fn device_name(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    let name = text.strip_prefix(r"\\.\").unwrap_or(text);
    let name = name.strip_prefix(r"Global\").unwrap_or(name);
    (!name.is_empty() && !name.contains(['\\', '/', '\0'])).then_some(name)
}

/// Whether this is a COM port's path.
pub fn is_com(path: &Path) -> bool {
    path.to_str().and_then(|text| text.strip_prefix(r"\\.\")).is_some_and(|name| com_number(name).is_some())
}

/// The number in `COM3`, in any case; `None` for every other text.
pub fn com_number(text: &str) -> Option<u32> {
    let digits = text.get(..3).filter(|head| head.eq_ignore_ascii_case("COM")).and(text.get(3..))?;
    let number = digits.parse().ok().filter(|number| *number > 0)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_devices_name_is_what_stands_behind_its_namespace() {
        let names = GUEST_AGENT_PATHS.map(|path| device_name(Path::new(path)));
        assert_eq!(names, [Some("org.qemu.guest_agent.0"); 2]);
        assert_eq!(device_name(Path::new("COM3")), Some("COM3"));
        for other in [r"\\?\vioserial#1", r"C:\port", r"\\.\", "/dev/port"] {
            assert_eq!(device_name(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn com_ports_of_any_number_are_named_in_full() {
        assert_eq!(to_open(Path::new("com1")), Path::new(r"\\.\COM1"));
        assert_eq!(to_open(Path::new("COM12")), Path::new(r"\\.\COM12"));
    }

    #[test]
    fn a_com_port_is_told_from_a_virtio_port_and_a_pipe() {
        assert!(is_com(Path::new(r"\\.\COM3")) && is_com(Path::new(r"\\.\com12")));
        for path in [r"\\.\Global\org.infinibay.agent", r"\\.\pipe\COM3", "COM3"] {
            assert!(!is_com(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn other_paths_stay_as_they_are() {
        for path in [
            r"\\.\COM3",
            r"\\.\Global\org.infinibay.agent",
            r"\\.\pipe\agent",
            "COM",
            "COMX",
            "COM0",
            "COM+1",
            "",
        ] {
            assert_eq!(to_open(Path::new(path)), Path::new(path));
        }
    }
}
