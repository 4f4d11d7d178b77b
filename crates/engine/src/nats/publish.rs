//! Messages to streams: sent together, and each acknowledged.

use super::{Nats, WITHIN};
use crate::entry::Out;
use crate::error::Error;
use async_nats::jetstream::context::{PublishAckFuture, PublishError};
use async_nats::jetstream::message::PublishMessage;
use futures_util::FutureExt as _;
use std::error::Error as _;
use std::pin::{Pin, pin};

/// `STREAM_STORE_FAILED`: a stream that discards what is new has no room.
const STORE_FAILED: u64 = 10077;

impl Nats {
    /// Sends them, and waits until each is stored; what came of each is in their order. All of them have one time.
    pub(crate) async fn publish(&self, out: Vec<Out>) -> Vec<Result<(), Error>> {
        let mut lost = pin!(self.lost());
        let mut over = None;
        let mut sent = Vec::with_capacity(out.len());
        for out in out {
            let subject = out.subject.clone();
            let taken = unless(&subject, &mut over, lost.as_mut(), self.send(out)).await;
            sent.push((subject, taken));
        }
        let mut done = Vec::with_capacity(sent.len());
        for (subject, sent) in sent {
            done.push(match sent {
                Ok(sent) => {
                    let stored = async { sent.await.map(drop).map_err(|error| failed(&subject, &error)) };
                    unless(&subject, &mut over, lost.as_mut(), stored).await
                }
                Err(error) => Err(error),
            });
        }
        done
    }

    async fn send(&self, out: Out) -> Result<PublishAckFuture, Error> {
        let Out { subject, id, payload } = out;
        self.check_length(|| format!("publish to {subject}"), payload.len())?;
        let message = PublishMessage::build().payload(payload.into());
        let message = if id.is_empty() { message } else { message.message_id(id) };
        self.js.send_publish(subject.clone(), message).await.map_err(|error| failed(&subject, &error))
    }
}

/// Does it, unless it is over with the connection or with the time; then only what is ready counts.
async fn unless<T>(
    subject: &str,
    over: &mut Option<Error>,
    lost: Pin<&mut impl Future<Output = Option<&'static str>>>,
    act: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    if let Some(over) = over {
        return pin!(act).now_or_never().unwrap_or_else(|| Err(over.clone()));
    }
    tokio::select! {
        biased;
        done = act => done,
        why = lost => {
            let doing = format!("publish to {subject}");
            let error = match why {
                Some(why) => Error::failed(doing, why),
                None => Error::TimedOut { doing, within: WITHIN },
            };
            *over = Some(error.clone());
            Err(error)
        }
    }
}

fn failed(subject: &str, error: &PublishError) -> Error {
    let doing = format!("publish to {subject}");
    let told = error.source().and_then(|it| it.downcast_ref::<async_nats::jetstream::Error>());
    if told.is_some_and(|told| told.error_code().0 == STORE_FAILED) {
        return Error::Full { doing };
    }
    Error::caused(doing, error)
}
