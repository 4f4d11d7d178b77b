//! Messages to streams: sent together, and each acknowledged.

use super::{Nats, within};
use crate::entry::Out;
use crate::error::{Error, chain};
use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use std::error::Error as _;

/// `STREAM_STORE_FAILED`: a stream that discards what is new has no room.
const STORE_FAILED: u64 = 10077;

impl Nats {
    /// Sends them, and waits until each is stored; what came of each is in their order.
    pub(crate) async fn publish(&self, out: Vec<Out>) -> Vec<Result<(), Error>> {
        let mut sent = Vec::with_capacity(out.len());
        for out in out {
            let what = (out.subject.clone(), out.only);
            sent.push((what, self.send(out).await));
        }
        let mut done = Vec::with_capacity(sent.len());
        for ((subject, only), sent) in sent {
            done.push(match sent {
                Ok(sent) => stored(&subject, only, sent).await,
                Err(error) => Err(error),
            });
        }
        done
    }

    async fn send(&self, out: Out) -> Result<PublishAckFuture, Error> {
        let Out { subject, id, only, payload } = out;
        let doing = || format!("publish to {subject}");
        self.check_length(doing, payload.len())?;
        let message = PublishMessage::build().payload(payload.into());
        let message = if id.is_empty() { message } else { message.message_id(id) };
        let message = if only { message.expected_last_subject_sequence(0) } else { message };
        within(doing, async {
            self.js.send_publish(subject.clone(), message).await.map_err(|error| failed(&subject, &error))
        })
        .await
    }
}

async fn stored(subject: &str, only: bool, sent: PublishAckFuture) -> Result<(), Error> {
    match within(|| format!("publish to {subject}"), async { Ok(sent.await) }).await? {
        Ok(_) => Ok(()),
        // It is there: this is the repetition.
        Err(error) if only && error.kind() == PublishErrorKind::WrongLastSequence => Ok(()),
        Err(error) => Err(failed(subject, &error)),
    }
}

fn failed(subject: &str, error: &PublishError) -> Error {
    let doing = format!("publish to {subject}");
    let told = error.source().and_then(|it| it.downcast_ref::<async_nats::jetstream::Error>());
    if told.is_some_and(|told| told.error_code().0 == STORE_FAILED) {
        return Error::Full { doing };
    }
    Error::failed(doing, chain(error))
}
