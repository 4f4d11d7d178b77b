//! Messages to streams: sent together, and each acknowledged.

use super::{Nats, within};
use crate::entry::Out;
use crate::error::{Error, chain};
use async_nats::jetstream::context::{PublishAckFuture, PublishError};
use async_nats::jetstream::message::PublishMessage;
use std::error::Error as _;

/// `STREAM_STORE_FAILED`: a stream that discards what is new has no room.
const STORE_FAILED: u64 = 10077;

impl Nats {
    /// Sends them, and waits until each is stored; what came of each is in their order.
    pub(crate) async fn publish(&self, out: Vec<Out>) -> Vec<Result<(), Error>> {
        let mut sent = Vec::with_capacity(out.len());
        for out in out {
            sent.push((out.subject.clone(), self.send(out).await));
        }
        let mut done = Vec::with_capacity(sent.len());
        for (subject, sent) in sent {
            done.push(match sent {
                Ok(sent) => stored(&subject, sent).await,
                Err(error) => Err(error),
            });
        }
        done
    }

    async fn send(&self, out: Out) -> Result<PublishAckFuture, Error> {
        let Out { subject, id, payload } = out;
        let doing = || format!("publish to {subject}");
        self.check_length(doing, payload.len())?;
        let message = PublishMessage::build().payload(payload.into());
        let message = if id.is_empty() { message } else { message.message_id(id) };
        within(doing, async {
            self.js.send_publish(subject.clone(), message).await.map_err(|error| failed(&subject, &error))
        })
        .await
    }
}

async fn stored(subject: &str, sent: PublishAckFuture) -> Result<(), Error> {
    let doing = || format!("publish to {subject}");
    within(doing, async { sent.await.map(drop).map_err(|error| failed(subject, &error)) }).await
}

fn failed(subject: &str, error: &PublishError) -> Error {
    let doing = format!("publish to {subject}");
    let told = error.source().and_then(|it| it.downcast_ref::<async_nats::jetstream::Error>());
    if told.is_some_and(|told| told.error_code().0 == STORE_FAILED) {
        return Error::Full { doing };
    }
    Error::failed(doing, chain(error))
}
