//! Messages of the console device's control queues (virtio 1.2, section 5.3.6.2).

/// Bytes of a message without what follows it.
const HEADER_BYTES: usize = 8;

/// What a message says, by its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    DeviceReady = 0,
    PortAdd = 1,
    PortRemove = 2,
    PortReady = 3,
    ConsolePort = 4,
    Resize = 5,
    PortOpen = 6,
    PortName = 7,
}

const EVENTS: [Event; 8] = [
    Event::DeviceReady,
    Event::PortAdd,
    Event::PortRemove,
    Event::PortReady,
    Event::ConsolePort,
    Event::Resize,
    Event::PortOpen,
    Event::PortName,
];

/// A message in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Control {
    pub(super) port: u32,
    pub(super) event: Event,
    pub(super) value: u16,
}

impl Control {
    pub(super) fn new(port: u32, event: Event, value: bool) -> Self {
        Self { port, event, value: value.into() }
    }

    /// As the guest sent it; `None` where it is no message.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (port, rest) = bytes.split_first_chunk::<4>()?;
        let (event, rest) = rest.split_first_chunk::<2>()?;
        let value = rest.first_chunk::<2>()?;
        let event = *EVENTS.get(usize::from(u16::from_le_bytes(*event)))?;
        Some(Self { port: u32::from_le_bytes(*port), event, value: u16::from_le_bytes(*value) })
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.followed_by(&[])
    }

    /// With a port's name behind it, for [`Event::PortName`].
    pub(super) fn followed_by(self, more: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + more.len());
        bytes.extend_from_slice(&self.port.to_le_bytes());
        bytes.extend_from_slice(&(self.event as u16).to_le_bytes());
        bytes.extend_from_slice(&self.value.to_le_bytes());
        bytes.extend_from_slice(more);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_eight_bytes_in_the_order_of_the_standard() {
        assert_eq!(Control::new(2, Event::PortOpen, true).bytes(), [2, 0, 0, 0, 6, 0, 1, 0]);
        let named = Control::new(1, Event::PortName, true).followed_by(b"a.b\0");
        assert_eq!(named, [1, 0, 0, 0, 7, 0, 1, 0, b'a', b'.', b'b', 0]);
    }

    #[test]
    fn every_message_is_read_as_it_was_written() {
        for event in EVENTS {
            let message = Control::new(7, event, true);
            assert_eq!(Control::parse(&message.bytes()), Some(message));
        }
    }

    #[test]
    fn what_is_no_message_is_passed_over() {
        assert_eq!(Control::parse(&[0; 7]), None);
        assert_eq!(Control::parse(&[0, 0, 0, 0, 8, 0, 0, 0]), None);
    }
}
