//! What carries a fleet's messages between hosts: NATS `JetStream`, or the same in memory for tests.
//!
//! It is transport and not truth: an acknowledged message may be lost where a server's power fails, and any message may come
//! twice. Who uses it keeps what must not be lost, and gives each message an id.
#![forbid(unsafe_code)]

mod coming;
mod engine;
mod entry;
mod error;
mod layout;
pub mod live;
mod memory;
mod nats;
mod settings;
mod status;

pub use coming::{Commands, Delivery, Notes, Reader, Watch};
pub use engine::Engine;
pub use entry::{Entry, Note, Out, Stored};
pub use error::Error;
pub use layout::{Bucket, Discard, Layout, Retention, Stream};
pub use memory::Memory;
pub use settings::{Credentials, Settings};
pub use status::Status;
