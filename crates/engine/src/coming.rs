//! What comes from an engine bit by bit: commands, stored messages, changes of keys, and notes.

use crate::entry::{Entry, Note, Stored};
use crate::error::Error;
use crate::{memory, nats};
use async_nats::jetstream::Message;
use std::time::Duration;
use tokio::time::timeout;

/// How long the next of those that are there may take. One whose time is over after it was counted does not come.
const SILENCE: Duration = Duration::from_secs(2);

/// From one of the two engines.
#[derive(Debug)]
pub(crate) enum Either<N, M> {
    Nats(N),
    Memory(M),
}

/// The commands of one hub, as they come.
pub struct Commands(pub(crate) Either<nats::Commands, memory::Commands>);

impl Commands {
    /// The next one; it is waited for.
    ///
    /// # Errors
    /// Where the connection, or the consumer, is gone: ask for commands anew.
    pub async fn next(&mut self) -> Result<Delivery, Error> {
        Ok(match &mut self.0 {
            Either::Nats(it) => {
                let message = it.next().await?;
                Delivery { payload: message.payload.to_vec(), handle: Either::Nats(Box::new(message)) }
            }
            Either::Memory(it) => {
                let (payload, handle) = it.next().await;
                Delivery { payload, handle: Either::Memory(handle) }
            }
        })
    }
}

/// A command for this hub, which comes again until it is acknowledged.
#[derive(Debug)]
pub struct Delivery {
    /// What it says.
    pub payload: Vec<u8>,
    /// The way back to where it came from.
    handle: Either<Box<Message>, memory::Handle>,
}

impl Delivery {
    /// It is done with and does not come again.
    ///
    /// # Errors
    /// Where nobody hears it; it comes again then.
    pub async fn ack(&self) -> Result<(), Error> {
        match &self.handle {
            Either::Nats(message) => nats::ack(message).await,
            Either::Memory(handle) => {
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
            Either::Nats(message) => nats::again(message, after).await,
            Either::Memory(handle) => {
                handle.again(after);
                Ok(())
            }
        }
    }
}

/// A stream's messages, as they come.
pub struct Reader {
    pub(crate) from: Either<Box<nats::Reader>, memory::Reader>,
    pub(crate) there: u64,
}

impl Reader {
    /// How many messages were there when the reading began: the first of those that come.
    pub const fn there(&self) -> u64 {
        self.there
    }

    /// The next one; it is waited for.
    ///
    /// # Errors
    /// Where the connection is gone. Ask again after a moment: it goes on with the one after the last.
    pub async fn next(&mut self) -> Result<Stored, Error> {
        Ok(self.any().await?.0)
    }

    /// Those that were there when the reading began; [`Reader::next`] goes on with those after them.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn all_there(&mut self) -> Result<Vec<Stored>, Error> {
        Ok(self.any_there().await?.into_iter().map(|(stored, _)| stored).collect())
    }

    async fn any_there(&mut self) -> Result<Vec<(Stored, bool)>, Error> {
        let (mut all, mut left) = (Vec::new(), self.there);
        while left > 0 {
            let Ok(next) = timeout(SILENCE, self.any()).await else { break };
            let next = next?;
            left = next.0.pending;
            all.push(next);
        }
        Ok(all)
    }

    async fn any(&mut self) -> Result<(Stored, bool), Error> {
        match &mut self.from {
            // It may make its consumer anew, which takes ten kilobytes of state; they are to be in no caller's.
            Either::Nats(it) => Box::pin(it.next()).await,
            Either::Memory(it) => Ok(it.next().await),
        }
    }
}

/// Keys as they change.
pub struct Watch {
    pub(crate) reader: Reader,
    /// Bytes of a subject before the key.
    pub(crate) prefix: usize,
}

impl Watch {
    /// How many keys were there when the watching began: the first of those that come.
    pub const fn there(&self) -> u64 {
        self.reader.there()
    }

    /// The next change; it is waited for.
    ///
    /// # Errors
    /// Where the connection is gone. Ask again after a moment: it goes on with the one after the last.
    pub async fn next(&mut self) -> Result<Entry, Error> {
        let change = self.reader.any().await?;
        Ok(self.entry(change))
    }

    /// The keys that were there when the watching began, as they are; [`Watch::next`] goes on with what changes after that.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn all_there(&mut self) -> Result<Vec<Entry>, Error> {
        let all = self.reader.any_there().await?;
        Ok(all.into_iter().map(|change| self.entry(change)).collect())
    }

    fn entry(&self, (stored, is_deleted): (Stored, bool)) -> Entry {
        let key = stored.subject.get(self.prefix..).unwrap_or_default().to_owned();
        let value = (!is_deleted).then_some(stored.payload);
        Entry { key, value, revision: stored.seq, pending: stored.pending }
    }
}

/// Notes, as they come.
pub struct Notes(pub(crate) Either<nats::Notes, memory::Notes>);

impl Notes {
    /// The next one; `None` where the connection is closed for good.
    pub async fn next(&mut self) -> Option<Note> {
        match &mut self.0 {
            Either::Nats(it) => it.next().await,
            Either::Memory(it) => it.next().await,
        }
    }
}
