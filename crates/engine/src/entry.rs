//! What goes to an engine and what comes from it.

use crate::error::Error;
use std::time::Duration;

/// A message for a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Out {
    /// Its subject.
    pub subject: String,
    /// What makes a repeated one the same, where the stream has not forgotten it; empty for none.
    pub id: String,
    /// What it says.
    pub payload: Vec<u8>,
}

/// A message of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its number in the stream.
    pub seq: u64,
    /// Its subject.
    pub subject: String,
    /// What it says.
    pub payload: Vec<u8>,
    /// How many come after it that are there already; 0 for the newest.
    pub pending: u64,
}

/// A key's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its value; `None` where it was deleted.
    pub value: Option<Vec<u8>>,
    /// The number of the value, for [`crate::Engine::update`].
    pub revision: u64,
    /// How many come after it that are there already; 0 for the newest.
    pub pending: u64,
}

/// A message that nobody keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its subject.
    pub subject: String,
    /// Where an answer goes, if one is wanted.
    pub reply: Option<String>,
    /// What it says.
    pub payload: Vec<u8>,
}

/// A command for this hub, which comes again until it is acknowledged.
#[derive(Debug)]
pub struct Delivery {
    /// What it says.
    pub payload: Vec<u8>,
    pub(crate) handle: Handle,
}

/// The way back to where a command came from.
#[derive(Debug)]
pub(crate) enum Handle {
    Nats(Box<async_nats::jetstream::Message>),
    Memory(crate::memory::Handle),
}

impl Delivery {
    /// It is done with and does not come again.
    ///
    /// # Errors
    /// Where nobody hears it; it comes again then.
    pub async fn ack(&self) -> Result<(), Error> {
        match &self.handle {
            Handle::Nats(message) => crate::nats::ack(message).await,
            Handle::Memory(handle) => {
                handle.ack();
                Ok(())
            }
        }
    }

    /// It is to come again, after this time.
    ///
    /// # Errors
    /// Where nobody hears it; it comes again by itself.
    pub async fn again(&self, after: Duration) -> Result<(), Error> {
        match &self.handle {
            Handle::Nats(message) => crate::nats::again(message, after).await,
            Handle::Memory(handle) => {
                handle.again(after);
                Ok(())
            }
        }
    }
}
