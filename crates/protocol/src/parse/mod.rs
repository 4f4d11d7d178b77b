//! Lines to messages: the host's for the agent, the guest's for `infinictl`.
//!
//! The host's lines are checked to the last field, and whatever is wrong becomes a [`Rejection`]: a value with the
//! answer that is owed for it.

mod command;
mod describe;
mod fields;
mod guest_line;
pub(crate) mod id_scan;
mod line;
mod rejection;
#[cfg(test)]
mod tests;
mod value;
mod weigh;

pub use command::SHELLS;
pub use describe::{describe, quote};
pub use guest_line::{
    GuestLine, GuestLineError, MAX_GUEST_LINE_MEMORY, measure_guest_line, parse_guest_line,
};
pub use rejection::Rejection;
pub(crate) use rejection::{id_of, is_of_guest};
pub use value::MAX_VALUES;

use crate::codec::LineItem;
use crate::envelope::claimed_id;
use crate::host::HostMessage;
use crate::number::MAX_SAFE_INTEGER;

/// Longest id, in characters.
pub const MAX_ID_CHARS: usize = 256;

/// Largest `sequence_number`: it must come back unchanged, and no larger integer ever leaves the guest.
pub const MAX_SEQUENCE_NUMBER: u64 = MAX_SAFE_INTEGER;

/// Longest name of a command that an answer repeats, in characters.
const MAX_TYPE_CHARS: usize = 64;

/// An item of the codec to a message. `max_line_bytes` is named in the answer to an oversized line.
pub fn parse_host_item(item: &LineItem, max_line_bytes: usize) -> Result<HostMessage, Rejection> {
    match item {
        LineItem::Line(line) => parse_host_line(line),
        LineItem::TooLong { bytes } => Err(Rejection::too_long(*bytes, max_line_bytes)),
        LineItem::InvalidUtf8 { line, valid_up_to } => Err(Rejection::not_utf8(line, *valid_up_to)),
    }
}

/// One line of the host to a message. Cheap for a good line: nothing is built but what the message holds.
pub fn parse_host_line(line: &str) -> Result<HostMessage, Rejection> {
    let fields = line::read(line)?;
    match fields.kind(line)? {
        "Metrics" => Ok(HostMessage::Metrics { id: fields.optional_id()? }),
        "Hello" => Ok(HostMessage::Hello { id: fields.optional_id()? }),
        "SafeCommand" => command::safe(fields).map(HostMessage::SafeCommand),
        "UnsafeCommand" => command::unsafe_command(&fields).map(HostMessage::UnsafeCommand),
        "KeepAliveResponse" | "keep_alive_response" => {
            Ok(HostMessage::KeepAliveResponse { sequence_number: fields.sequence_number()? })
        }
        "keep_alive_request" => {
            Ok(HostMessage::KeepAliveRequest { sequence_number: fields.sequence_number()? })
        }
        unknown => Err(Rejection { id: claimed_id(line.as_bytes()), ..fields.unknown_type(unknown) }),
    }
}
