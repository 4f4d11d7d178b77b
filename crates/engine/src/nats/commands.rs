//! A hub's commands: a durable consumer, of which each message is acknowledged.

use super::{Nats, in_time};
use crate::entry::ACK_WAIT;
use crate::error::Error;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt as _;
use std::time::Duration;

/// Commands that are looked at beside each other.
const MAX_UNACKNOWLEDGED: i64 = 64;
/// Commands that wait here.
const MAX_WAITING: usize = 16;
/// How long the server keeps a request for commands, and how often it says meanwhile that it is there.
const ASK_FOR: Duration = Duration::from_secs(30);
const ALIVE_EVERY: Duration = Duration::from_secs(5);

/// The commands of one hub, as they come.
pub(crate) struct Commands(pull::Stream);

impl Nats {
    pub(crate) async fn commands(
        &self,
        stream: &str,
        durable: &str,
        subject: &str,
    ) -> Result<Commands, Error> {
        let doing = || format!("read the commands of {subject}");
        self.within(doing, async {
            let failed = |error: &dyn std::error::Error| Error::caused(doing(), error);
            let stream = self.js.get_stream_no_info(stream).await.map_err(|error| failed(&error))?;
            let config = config(durable, subject);
            let consumer = stream.get_or_create_consumer(durable, config).await;
            let consumer: PullConsumer = consumer.map_err(|error| failed(&error))?;
            let asked = consumer.stream().max_messages_per_batch(MAX_WAITING);
            let asked = asked.expires(ASK_FOR).heartbeat(ALIVE_EVERY).messages().await;
            asked.map(Commands).map_err(|error| failed(&error))
        })
        .await
    }
}

fn config(durable: &str, subject: &str) -> pull::Config {
    pull::Config {
        durable_name: Some(durable.to_owned()),
        filter_subject: subject.to_owned(),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_ack_pending: MAX_UNACKNOWLEDGED,
        ..pull::Config::default()
    }
}

impl Commands {
    /// The next one. After an error it is best asked for anew.
    pub(crate) async fn next(&mut self) -> Result<Message, Error> {
        let doing = "read the next command";
        match self.0.next().await {
            Some(Ok(message)) => Ok(message),
            Some(Err(error)) => Err(Error::caused(doing, &error)),
            None => Err(Error::failed(doing, "the connection is closed")),
        }
    }
}

/// It is done with: the server says that it has heard it.
pub(crate) async fn ack(message: &Message) -> Result<(), Error> {
    let doing = || "acknowledge a command".to_owned();
    in_time(doing, async { message.double_ack().await.map_err(|error| Error::failed(doing(), error)) }).await
}

pub(crate) async fn again(message: &Message, after: Duration) -> Result<(), Error> {
    let doing = || "put a command off".to_owned();
    in_time(doing, async {
        message.ack_with(AckKind::Nak(Some(after))).await.map_err(|error| Error::failed(doing(), error))
    })
    .await
}
