//! Netlink's framing (netlink(7)): messages, attributes, requests. Native byte order, four-byte alignment.

/// Ends a dump.
pub const NLMSG_DONE: u16 = 3;
/// A refusal, or an acknowledgement with code 0.
pub const NLMSG_ERROR: u16 = 2;
/// A request.
pub const NLM_F_REQUEST: u16 = 1;
/// All there are.
pub const NLM_F_DUMP: u16 = 0x300;
const HEADER_BYTES: usize = 16;
/// The two highest bits of an attribute's type are flags.
const TYPE_MASK: u16 = 0x3fff;

/// One message in a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// `NLMSG_DONE`, `RTM_NEWLINK`, …
    pub kind: u16,
    /// The request's number.
    pub sequence: u32,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl Message<'_> {
    /// The errno of a refusal, positive; 0 is an acknowledgement.
    pub fn error(&self) -> Option<i32> {
        (self.kind == NLMSG_ERROR)
            .then(|| i32::from_ne_bytes(array(self.payload, 0).unwrap_or_default()).saturating_neg())
    }
}

/// The messages of a datagram; ends at the first that is torn.
pub fn messages(mut rest: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let len = u32_at(rest, 0)? as usize;
        let payload = rest.get(HEADER_BYTES..len)?;
        let message = Message { kind: u16_at(rest, 4)?, sequence: u32_at(rest, 8)?, payload };
        rest = rest.get(aligned(len)..).unwrap_or_default();
        Some(message)
    })
}

/// The attributes of a payload or of a nest, by type; ends at the first that is torn.
pub fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let len = usize::from(u16_at(rest, 0)?);
        let value = rest.get(4..len)?;
        let kind = u16_at(rest, 2)? & TYPE_MASK;
        rest = rest.get(aligned(len)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// A request with this body, in `buffer`, which is cleared first.
pub fn request(buffer: &mut Vec<u8>, kind: u16, flags: u16, sequence: u32, body: &[u8]) {
    buffer.clear();
    let len = (HEADER_BYTES + body.len()) as u32;
    buffer.extend(len.to_ne_bytes());
    buffer.extend(kind.to_ne_bytes());
    buffer.extend((NLM_F_REQUEST | flags).to_ne_bytes());
    buffer.extend(sequence.to_ne_bytes());
    buffer.extend(0u32.to_ne_bytes());
    buffer.extend(body);
}

/// One attribute, padded.
pub fn push_attribute(buffer: &mut Vec<u8>, kind: u16, value: &[u8]) {
    buffer.extend(((4 + value.len()) as u16).to_ne_bytes());
    buffer.extend(kind.to_ne_bytes());
    buffer.extend(value);
    buffer.resize(aligned(buffer.len()), 0);
}

/// Two bytes in native order.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_ne_bytes)
}

/// Four bytes in native order.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_ne_bytes)
}

/// Eight bytes in native order.
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_ne_bytes)
}

/// `N` bytes as they stand.
pub fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

const fn aligned(len: usize) -> usize {
    (len + 3) & !3
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_asked_can_be_read_back() {
        let (mut body, mut buffer) = (Vec::new(), Vec::new());
        push_attribute(&mut body, 3, b"eth0\0");
        push_attribute(&mut body, 1, &[1, 2, 3, 4]);
        request(&mut buffer, 18, NLM_F_DUMP, 77, &body);
        let message = messages(&buffer).next().unwrap();
        assert_eq!((message.kind, message.sequence), (18, 77));
        let read: Vec<_> = attributes(message.payload).collect();
        assert_eq!(read, [(3, &b"eth0\0"[..]), (1, &[1, 2, 3, 4][..])]);
    }

    #[test]
    fn a_refusal_carries_its_errno() {
        let mut buffer = Vec::new();
        request(&mut buffer, NLMSG_ERROR, 0, 1, &(-19i32).to_ne_bytes());
        assert_eq!(messages(&buffer).next().unwrap().error(), Some(19));
    }

    #[test]
    fn a_message_that_claims_no_length_ends_the_reading() {
        assert_eq!(messages(&[0; 64]).count(), 0);
        assert_eq!(attributes(&[0; 64]).count(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes: Vec<u8>) {
            for message in messages(&bytes) {
                let _ = (attributes(message.payload).count(), message.error());
            }
        }
    }
}
