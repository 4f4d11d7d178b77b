//! What vioserial tells of a port (`IOCTL_GET_INFORMATION`, `vioserial/sys/public.h` of virtio-win).

/// `VIRTIO_PORT_INFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortInfo {
    /// The port's number on its controller.
    pub id: u32,
    /// No room for a write.
    pub queue_full: bool,
    /// A host has the other end open.
    pub host_connected: bool,
    /// A guest's program has this end open.
    pub guest_connected: bool,
    /// The name that the host gave it; `None`: it gave none.
    pub name: Option<String>,
}

/// Reads the structure: a little-endian number, three booleans of one byte, a text that ends with a null.
/// `None`: too short to be one.
pub fn parse(bytes: &[u8]) -> Option<PortInfo> {
    let (id, rest) = bytes.split_first_chunk::<4>()?;
    let (flags, name) = rest.split_first_chunk::<3>()?;
    let [queue_full, host_connected, guest_connected] = flags.map(|flag| flag != 0);
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = (!name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned());
    Some(PortInfo { id: u32::from_le_bytes(*id), queue_full, host_connected, guest_connected, name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_connected_port_is_read() {
        let info = parse(b"\x01\0\0\0\0\x01\x01org.infinibay.agent\0\0\0").expect("read");
        assert_eq!((info.id, info.host_connected, info.queue_full), (1, true, false));
        assert_eq!(info.name.as_deref(), Some("org.infinibay.agent"));
    }

    #[test]
    fn a_port_without_a_name_is_read() {
        for bytes in [&b"\x02\0\0\0\x01\0\x01"[..], b"\x02\0\0\0\x01\0\x01\0"] {
            let info = parse(bytes).expect("read");
            assert_eq!((info.name, info.host_connected, info.queue_full), (None, false, true));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(parse(&bytes).is_some(), bytes.len() >= 7);
        }
    }
}
