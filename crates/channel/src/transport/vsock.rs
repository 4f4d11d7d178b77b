//! How a socket between the machine and its hypervisor is spelled where a device's path stands: `vsock:PORT`, or for tests
//! `vsock:local:PORT`.

use std::path::Path;

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The port.
    pub port: u32,
    /// For programs of this very machine, and not for the host.
    pub local: bool,
}

/// An address, or what is wrong with it.
pub type Spelled = Result<Address, String>;

const START: &str = "vsock:";
const LOCAL: &str = "local:";

/// The address that a path spells; `None` where it is a path.
pub fn spelled(path: &Path) -> Option<Spelled> {
    let rest = path.to_str()?.strip_prefix(START)?;
    let (local, port) = rest.strip_prefix(LOCAL).map_or((false, rest), |port| (true, port));
    // The last one means any port to the kernel.
    let number = port.parse().ok().filter(|port| (1..u32::MAX).contains(port));
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let wrong = || format!("vsock:PORT needs a port from 1 to {}", u32::MAX - 1);
    Some(number.filter(|_| digits).map(|port| Address { port, local }).ok_or_else(wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_a_path_and_a_wrong_one_is_refused() {
        let read = |text: &str| spelled(Path::new(text));
        assert_eq!(read("vsock:1024"), Some(Ok(Address { port: 1024, local: false })));
        assert_eq!(read("vsock:local:1024"), Some(Ok(Address { port: 1024, local: true })));
        assert_eq!(read("vsock:4294967294"), Some(Ok(Address { port: u32::MAX - 1, local: false })));
        for path in ["/dev/vsock:1024", "vsock", "Vsock:1024", "/dev/vport0p1", ""] {
            assert_eq!(read(path), None, "{path}");
        }
        for wrong in
            ["vsock:", "vsock:0", "vsock:4294967295", "vsock:+5", "vsock:2:1024", "vsock:local:", "vsock: 5"]
        {
            assert!(matches!(read(wrong), Some(Err(_))), "{wrong}");
        }
    }
}
