//! The engine: one of the two that there are, with the same methods.

use crate::coming::{Commands, Either, Notes, Reader, Watch};
use crate::entry::{Entry, Out};
use crate::error::Error;
use crate::layout::Layout;
use crate::memory::{self, Memory};
use crate::nats::Nats;
use crate::settings::Settings;
use crate::status::{Status, Told};
use infiniservice_fleet::subject::{bucket_stream, bucket_subject};
use std::time::Duration;
use tokio::sync::watch;

/// What carries messages. A clone is the same one.
#[derive(Clone, Debug)]
pub struct Engine(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Nats(Box<Nats>),
    Memory(Memory),
}

/// Does the same with either.
macro_rules! either {
    ($engine:expr, $it:ident => $do:expr) => {
        match &$engine.0 {
            Kind::Nats($it) => $do,
            Kind::Memory($it) => $do,
        }
    };
}

impl Engine {
    /// Connects to a server of NATS, once. A connection that is lost later is made anew by itself.
    ///
    /// # Errors
    /// Where there is none, or it is too old.
    pub async fn connect(settings: &Settings) -> Result<Self, Error> {
        Nats::connect(settings).await.map(|nats| Self(Kind::Nats(Box::new(nats))))
    }

    /// One in memory: all clones of `memory` are one server.
    pub fn in_memory(memory: &Memory) -> Self {
        Self(Kind::Memory(memory.clone()))
    }

    /// How the connection stands, and what happens to it.
    pub fn status(&self) -> watch::Receiver<Status> {
        match &self.0 {
            Kind::Nats(nats) => nats.status(),
            Kind::Memory(_) => Told::connected(),
        }
    }

    /// The longest message that it takes, in bytes.
    pub fn max_payload(&self) -> usize {
        match &self.0 {
            Kind::Nats(nats) => nats.max_payload(),
            Kind::Memory(_) => memory::MAX_PAYLOAD,
        }
    }

    /// Makes the streams and buckets that are missing; those that are there stay as they are.
    ///
    /// # Errors
    /// Where one cannot be made, or is not what is needed.
    pub async fn set_up(&self, layout: &Layout) -> Result<(), Error> {
        either!(self, it => it.set_up(layout).await)
    }

    /// Puts messages into streams: what came of each, in their order. One that is there already, with the same id, is
    /// no error.
    pub async fn publish(&self, out: Vec<Out>) -> Vec<Result<(), Error>> {
        either!(self, it => it.publish(out).await)
    }

    /// Puts one message into a stream.
    ///
    /// # Errors
    /// Where it is not known to be there.
    pub async fn publish_one(&self, out: Out) -> Result<(), Error> {
        self.publish(vec![out]).await.pop().unwrap_or(Ok(()))
    }

    /// The messages of a work queue for one subject, each of which comes again until it is acknowledged.
    ///
    /// # Errors
    /// Where there is no such stream.
    pub async fn commands(&self, stream: &str, durable: &str, subject: &str) -> Result<Commands, Error> {
        Ok(Commands(match &self.0 {
            Kind::Nats(nats) => Either::Nats(nats.commands(stream, durable, subject).await?),
            Kind::Memory(memory) => Either::Memory(memory.commands(stream, subject)?),
        }))
    }

    /// Reads a stream's messages of these subjects (`*` is any part of one, `>` any rest) in their order, from the first on.
    ///
    /// # Errors
    /// Where there is no such stream.
    pub async fn read(&self, stream: &str, subject: &str) -> Result<Reader, Error> {
        self.open(stream, subject, false).await
    }

    async fn open(&self, stream: &str, subject: &str, newest: bool) -> Result<Reader, Error> {
        let (from, there) = match &self.0 {
            Kind::Nats(nats) => {
                let (reader, there) = Box::pin(nats.read(stream, subject, newest)).await?;
                (Either::Nats(Box::new(reader)), there)
            }
            Kind::Memory(memory) => {
                let (reader, there) = memory.read(stream, subject, newest)?;
                (Either::Memory(reader), there)
            }
        };
        Ok(Reader { from, there })
    }

    /// A key's value.
    ///
    /// # Errors
    /// Where it cannot be asked for.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Option<Entry>, Error> {
        either!(self, it => it.get(bucket, key).await)
    }

    /// Writes a key that has no value; its revision.
    ///
    /// # Errors
    /// [`Error::Conflict`] where it has one.
    pub async fn create(&self, bucket: &str, key: &str, value: Vec<u8>) -> Result<u64, Error> {
        either!(self, it => it.create(bucket, key, value).await)
    }

    /// Writes a key whose value is that of this revision, 0 where it has none; its new one.
    ///
    /// # Errors
    /// [`Error::Conflict`] where it is another.
    pub async fn update(&self, bucket: &str, key: &str, value: Vec<u8>, revision: u64) -> Result<u64, Error> {
        either!(self, it => it.update(bucket, key, value, revision).await)
    }

    /// Writes a key, whatever it is; its new revision.
    ///
    /// # Errors
    /// Where it is not known to be written.
    pub async fn put(&self, bucket: &str, key: &str, value: Vec<u8>) -> Result<u64, Error> {
        either!(self, it => it.put(bucket, key, value).await)
    }

    /// Writes many keys of a bucket, whatever they are: what came of each, in their order.
    pub async fn put_all(&self, bucket: &str, values: Vec<(String, Vec<u8>)>) -> Vec<Result<(), Error>> {
        let out = values.into_iter().map(|(key, payload)| Out {
            subject: bucket_subject(bucket, &key),
            id: String::new(),
            payload,
        });
        self.publish(out.collect()).await
    }

    /// Deletes a key, whether it is there or not.
    ///
    /// # Errors
    /// Where it is not known to be deleted.
    pub async fn delete(&self, bucket: &str, key: &str) -> Result<(), Error> {
        either!(self, it => it.delete(bucket, key).await)
    }

    /// Follows keys (`*` is any part of one, `>` any rest): what they are now, and each change. One whose time is over goes
    /// without a word.
    ///
    /// # Errors
    /// Where there is no such bucket.
    pub async fn watch(&self, bucket: &str, keys: &str) -> Result<Watch, Error> {
        let reader = self.open(&bucket_stream(bucket), &bucket_subject(bucket, keys), true).await?;
        Ok(Watch { reader, prefix: bucket_subject(bucket, "").len() })
    }

    /// Asks whoever listens to a subject, and waits so long for the first answer.
    ///
    /// # Errors
    /// Where nobody is there, or no answer came.
    pub async fn ask(&self, subject: &str, payload: Vec<u8>, patience: Duration) -> Result<Vec<u8>, Error> {
        either!(self, it => it.ask(subject, payload, patience).await)
    }

    /// Tells it to whoever listens; nobody keeps it.
    ///
    /// # Errors
    /// Where it cannot even be sent.
    pub async fn tell(&self, subject: &str, payload: Vec<u8>) -> Result<(), Error> {
        either!(self, it => it.tell(subject, payload).await)
    }

    /// Listens to a subject from now on.
    ///
    /// # Errors
    /// Where that cannot be.
    pub async fn listen(&self, subject: &str) -> Result<Notes, Error> {
        Ok(Notes(match &self.0 {
            Kind::Nats(nats) => Either::Nats(nats.listen(subject).await?),
            Kind::Memory(memory) => Either::Memory(memory.listen(subject)),
        }))
    }
}
