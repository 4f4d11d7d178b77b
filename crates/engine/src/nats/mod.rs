//! NATS `JetStream`, by its official client.

mod commands;
mod kv;
mod notes;
mod publish;
mod reader;
mod setup;

use crate::error::Error;
use crate::settings::{Credentials, Settings};
use crate::status::{Status, Told};
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event};
pub(crate) use commands::{Commands, ack, again};
use kv::Stores;
pub(crate) use notes::Notes;
pub(crate) use reader::Reader;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// The first server that will do: its key-value stores and consumers are those that this client knows.
const NEEDED: (&str, (u32, u32)) = ("2.11", (2, 11));
/// How long one request may take.
pub(crate) const WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may take to be there.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How often the server is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// The longest pause before the next try to connect.
const MAX_PAUSE_MS: u64 = 10_000;
/// Messages that wait for who reads a subscription; more of them are lost.
const MAX_UNREAD: usize = 16_384;

/// A connection, which is made anew by itself.
#[derive(Clone, Debug)]
pub(crate) struct Nats {
    client: Client,
    js: Context,
    stores: Stores,
    status: watch::Receiver<Status>,
}

impl Nats {
    /// Connects once; later it connects anew by itself, for as long as it takes.
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, Error> {
        let addresses = settings.addresses()?;
        let doing = || format!("reach the server at {}", settings.url);
        let (told, status) = Told::new();
        let options = options(settings, Arc::new(told))?;
        let connected = timeout(CONNECT_WITHIN * 2, options.connect(addresses)).await;
        let connected =
            connected.map_err(|_| Error::TimedOut { doing: doing(), within: CONNECT_WITHIN * 2 })?;
        let client = connected.map_err(|error| Error::caused(doing(), &error))?;
        check_version(&client.server_info().version, &settings.url)?;
        let mut js = jetstream::new(client.clone());
        js.set_timeout(WITHIN);
        Ok(Self { client, js, stores: Stores::default(), status })
    }

    /// How it stands.
    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// The longest message that the server takes, in bytes.
    pub(crate) fn max_payload(&self) -> usize {
        self.client.server_info().max_payload
    }

    /// Waits for an answer, but not for ever, and not for one that was lost with the connection.
    async fn within<T>(
        &self,
        doing: impl Fn() -> String,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            answer = answer => answer,
            why = self.lost() => Err(match why {
                Some(why) => Error::failed(doing(), why),
                None => Error::TimedOut { doing: doing(), within: WITHIN },
            }),
        }
    }

    /// Waits until nothing that is asked for now is answered any more: why, or nothing where its time is over.
    async fn lost(&self) -> Option<&'static str> {
        let mut status = self.status.clone();
        let before = status.borrow().losses;
        let lost = timeout(WITHIN, status.wait_for(|status| status.losses > before)).await;
        lost.is_ok().then_some("the connection was lost meanwhile")
    }

    fn check_length(&self, doing: impl Fn() -> String, bytes: usize) -> Result<(), Error> {
        Error::too_long(doing, bytes, self.max_payload())
    }
}

fn options(settings: &Settings, told: Arc<Told>) -> Result<ConnectOptions, Error> {
    let options = match settings.read_credentials()? {
        Credentials::None => ConnectOptions::new(),
        Credentials::Creds(text) => ConnectOptions::with_credentials(&text)
            .map_err(|error| Error::Settings(format!("the credentials cannot be read: {error}")))?,
        Credentials::Seed(seed) => ConnectOptions::with_nkey(seed),
        Credentials::Password(user, password) => ConnectOptions::with_user_and_password(user, password),
    };
    let options = match &settings.ca {
        Some(path) => options.add_root_certificates(path.clone()),
        None => options,
    };
    let options =
        if settings.inbox.is_empty() { options } else { options.custom_inbox_prefix(&settings.inbox) };
    let event = move |event: Event| {
        let told = Arc::clone(&told);
        async move { told.event(&event) }
    };
    Ok(options
        .name(&settings.name)
        .require_tls(settings.is_tls())
        .max_reconnects(None)
        .reconnect_delay_callback(pause)
        .connection_timeout(CONNECT_WITHIN)
        .ping_interval(PING_EVERY)
        .request_timeout(Some(WITHIN))
        .subscription_capacity(MAX_UNREAD)
        .event_callback(event))
}

/// Twice as long each time, and never the same for two hubs: a server that comes back is not run over by all of them.
fn pause(attempts: usize) -> Duration {
    let most = (100_u64 << attempts.min(10)).min(MAX_PAUSE_MS);
    Duration::from_millis(fastrand::u64(most / 2..=most))
}

fn check_version(found: &str, url: &str) -> Result<(), Error> {
    let mut parts = found.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version < NEEDED.1 {
        return Err(Error::TooOld { url: url.to_owned(), found: found.to_owned(), needed: NEEDED.0 });
    }
    Ok(())
}

/// Waits for an answer, but not for ever.
async fn in_time<T>(
    doing: impl Fn() -> String,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    timeout(WITHIN, answer).await.unwrap_or_else(|_| Err(Error::TimedOut { doing: doing(), within: WITHIN }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_from_2_11_on_will_do() {
        for good in ["2.11.0", "2.15.1", "3.0.0", "2.11.0-RC.1"] {
            assert_eq!(check_version(good, "nats://a"), Ok(()), "{good}");
        }
        for old in ["2.9.10", "2.10.29", "1.4.1", ""] {
            let error = check_version(old, "nats://a").unwrap_err().to_string();
            assert!(error.contains("2.11 or newer") && error.contains("nats://a"), "{error}");
        }
    }

    #[test]
    fn pauses_grow_to_a_bound_and_differ() {
        let pauses: std::collections::BTreeSet<_> = (0..100).map(|_| pause(50)).collect();
        assert!(pauses.len() > 50 && pauses.last() <= Some(&Duration::from_millis(MAX_PAUSE_MS)));
        assert!(pause(0) <= Duration::from_millis(100));
    }
}
