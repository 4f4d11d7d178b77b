//! Messages that nobody keeps: questions and their answers, and live figures.

use super::Nats;
use crate::entry::Note;
use crate::error::Error;
use async_nats::client::RequestErrorKind;
use async_nats::{Request, Subscriber};
use futures_util::StreamExt as _;
use std::time::Duration;

/// A subscription.
pub(crate) struct Notes(Subscriber);

impl Nats {
    /// Asks, and waits for the first answer.
    pub(crate) async fn ask(
        &self,
        subject: &str,
        payload: Vec<u8>,
        patience: Duration,
    ) -> Result<Vec<u8>, Error> {
        let doing = || format!("ask {subject}");
        self.check_length(doing, payload.len())?;
        let request = Request::new().payload(payload.into()).timeout(Some(patience));
        match self.client.send_request(subject.to_owned(), request).await {
            Ok(message) => Ok(message.payload.to_vec()),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::TimedOut => Error::TimedOut { doing: doing(), within: patience },
                RequestErrorKind::NoResponders => Error::failed(doing(), "nobody is there who would answer"),
                _ => Error::caused(doing(), &error),
            }),
        }
    }

    /// Tells it to whoever listens.
    pub(crate) async fn tell(&self, subject: &str, payload: Vec<u8>) -> Result<(), Error> {
        let doing = || format!("tell {subject}");
        self.check_length(doing, payload.len())?;
        self.within(doing, async {
            let told = self.client.publish(subject.to_owned(), payload.into()).await;
            told.map_err(|error| Error::caused(doing(), &error))
        })
        .await
    }

    /// Listens from now on: when this returns the server has been asked, and does so before anything else of this connection.
    /// What another connection tells at that moment may still be missed.
    pub(crate) async fn listen(&self, subject: &str) -> Result<Notes, Error> {
        let doing = || format!("listen to {subject}");
        self.within(doing, async {
            let failed = |error: &dyn std::error::Error| Error::caused(doing(), error);
            let heard = self.client.subscribe(subject.to_owned()).await.map_err(|error| failed(&error))?;
            self.client.flush().await.map_err(|error| failed(&error))?;
            Ok(Notes(heard))
        })
        .await
    }
}

impl Notes {
    /// The next one; `None` where the connection is closed for good.
    pub(crate) async fn next(&mut self) -> Option<Note> {
        self.0.next().await.map(|message| Note {
            subject: message.subject.to_string(),
            reply: message.reply.map(|reply| reply.to_string()),
            payload: message.payload.to_vec(),
        })
    }
}
