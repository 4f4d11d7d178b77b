//! The wire between the `InfiniService` guest agent and its host: messages, line codec, envelope.
//!
//! No I/O and nothing of any operating system lives here. `docs/protocol.md` describes the wire in prose,
//! `docs/schema/` holds the JSON Schema generated from these types.
#![forbid(unsafe_code)]

pub mod action;
pub mod batch;
pub mod bundle;
pub mod checksum;
pub mod clock;
pub mod codec;
pub mod compression;
pub mod data;
pub mod encode;
pub mod envelope;
mod error_code;
pub mod guest;
pub mod hello;
pub mod host;
pub mod limits;
pub mod metrics;
pub mod number;
pub mod parse;
#[cfg(feature = "schema")]
pub mod schema;
pub mod sealed;
pub mod stream;
pub mod tags;
pub mod text;
pub mod timestamp;
pub mod trace;

pub use action::{Action, ActionName, ParamError, ServiceOperation};
pub use codec::{LineDecoder, LineItem, LineRef};
pub use encode::Body;
pub use error_code::ErrorCode;
pub use guest::{GuestMessage, Response};
pub use host::HostMessage;
pub use limits::Limits;
pub use parse::{
    GuestLine, Rejection, measure_guest_line, parse_guest_line, parse_host_item, parse_host_line,
};
