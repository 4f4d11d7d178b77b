//! A stream's messages in their order, from the first or the newest of each subject on, over every loss of the connection.

use super::Nats;
use crate::entry::Stored;
use crate::error::Error;
use async_nats::jetstream::consumer::{DeliverPolicy, ReplayPolicy, pull};
use futures_util::StreamExt as _;

/// A reader.
pub(crate) struct Reader {
    nats: Nats,
    stream: String,
    subject: String,
    from: DeliverPolicy,
    messages: Option<pull::Ordered>,
}

impl Nats {
    /// A reader, and how many messages are there already.
    pub(crate) async fn read(
        &self,
        stream: &str,
        subject: &str,
        newest: bool,
    ) -> Result<(Reader, u64), Error> {
        let from = if newest { DeliverPolicy::LastPerSubject } else { DeliverPolicy::All };
        let (stream, subject) = (stream.to_owned(), subject.to_owned());
        let mut reader = Reader { nats: self.clone(), stream, subject, from, messages: None };
        let there = reader.open().await?;
        Ok((reader, there))
    }
}

impl Reader {
    async fn open(&mut self) -> Result<u64, Error> {
        let doing = || format!("read {} of {}", self.subject, self.stream);
        let (messages, there) = self
            .nats
            .within(doing, async {
                let failed = |error: &dyn std::error::Error| Error::caused(doing(), error);
                let stream =
                    self.nats.js.get_stream_no_info(&self.stream).await.map_err(|error| failed(&error))?;
                let config = pull::OrderedConfig {
                    filter_subject: self.subject.clone(),
                    deliver_policy: self.from,
                    replay_policy: ReplayPolicy::Instant,
                    ..pull::OrderedConfig::default()
                };
                let consumer = stream.create_consumer(config).await.map_err(|error| failed(&error))?;
                let there = consumer.cached_info().num_pending;
                Ok((consumer.messages().await.map_err(|error| failed(&error))?, there))
            })
            .await?;
        self.messages = Some(messages);
        Ok(there)
    }

    /// The next message, and whether it says that its key was deleted. After an error it goes on where it was.
    pub(crate) async fn next(&mut self) -> Result<(Stored, bool), Error> {
        if self.messages.is_none() {
            self.open().await?;
        }
        let doing = || format!("read {} of {}", self.subject, self.stream);
        let next = match &mut self.messages {
            Some(messages) => messages.next().await,
            None => None,
        };
        let read = match next {
            Some(Ok(message)) => read(&message).map_err(|why| Error::failed(doing(), why)),
            Some(Err(error)) => Err(Error::caused(doing(), &error)),
            None => Err(Error::failed(doing(), "the connection is closed")),
        };
        match &read {
            Ok((stored, _)) => self.from = DeliverPolicy::ByStartSequence { start_sequence: stored.seq + 1 },
            Err(_) => self.messages = None,
        }
        read
    }
}

fn read(message: &async_nats::jetstream::Message) -> Result<(Stored, bool), String> {
    let info = message.info().map_err(|error| error.to_string())?;
    let headers = message.headers.as_ref();
    let has = |name: &str| headers.is_some_and(|headers| headers.get(name).is_some());
    let stored = Stored {
        seq: info.stream_sequence,
        subject: message.subject.to_string(),
        payload: message.payload.to_vec(),
        pending: info.pending,
    };
    // Deleted by a client, or by the server for its age.
    Ok((stored, has("KV-Operation") || has("Nats-Marker-Reason")))
}
