//! The agent's one client of systemd: connects when first asked, and again after a failure.

use super::calls::{BusAddress, Calls};
use super::error::SystemdError;
use super::list::{self, Cache};
use super::record::ServiceRecord;
use std::sync::{Arc, PoisonError};
use tokio::sync::{Mutex, watch};
use zbus::Connection;

type Listed = Result<Vec<ServiceRecord>, SystemdError>;

/// Asks systemd. Cheap to clone; the clones share connection and cache. Futures must run inside a tokio runtime; from
/// another thread `tokio::runtime::Handle::block_on` does.
#[derive(Clone, Debug, Default)]
pub struct UnitClient {
    address: BusAddress,
    state: Arc<Mutex<State>>,
    /// The listing that has not begun yet: all who ask meanwhile share it.
    next: Arc<std::sync::Mutex<Option<watch::Receiver<Option<Listed>>>>>,
    /// The agent's own unit, where it is not the one that this process belongs to: in tests, which are no service.
    own: Option<&'static str>,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<Connection>,
    cache: Cache,
}

impl UnitClient {
    /// A client of the machine's systemd; nothing is connected yet.
    pub fn connect() -> Self {
        Self::default()
    }

    /// A client of the systemd at `address`.
    pub fn at(address: BusAddress) -> Self {
        Self { address, ..Self::default() }
    }

    /// The same as the unit that is given.
    #[cfg(test)]
    pub(super) fn being(self, own: &'static str) -> Self {
        Self { own: Some(own), ..self }
    }

    pub(super) fn own(&self) -> Option<&'static str> {
        self.own
    }

    pub(super) fn address(&self) -> &BusAddress {
        &self.address
    }

    /// All services, by name. Costs one call to systemd when nothing changed since the last time.
    ///
    /// Where unit files changed systemd reads all of them, which takes seconds on a slow machine. A caller that gives up
    /// does not end the listing, so that the next one finds it done. While one runs at most one more waits, for all who ask:
    /// a bus that hangs does not pile them up.
    pub async fn list_services(&self) -> Listed {
        let mut listing = self.next_listing();
        let ended = || Err(SystemdError::Failed("the listing ended".to_owned()));
        let told = listing.wait_for(Option::is_some).await;
        told.ok().and_then(|told| told.clone()).unwrap_or_else(ended)
    }

    fn next_listing(&self) -> watch::Receiver<Option<Listed>> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        // One whose task is gone, with its runtime, tells nothing any more.
        if let Some(waiting) = next.as_ref().filter(|waiting| waiting.has_changed().is_ok()) {
            return waiting.clone();
        }
        let (tell, listing) = watch::channel(None);
        *next = Some(listing.clone());
        let client = self.clone();
        tokio::spawn(async move { tell.send_replace(Some(client.list().await)) });
        listing
    }

    async fn list(&self) -> Listed {
        let mut state = self.state.lock().await;
        // Whoever asks from now on may want to know of what changed since this one began.
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let reused = state.connection.is_some();
        match state.list(&self.address).await {
            // The bus was restarted since: its connection is dead, a new one may live.
            Err(error) if reused && error.breaks_connection() => state.list(&self.address).await,
            result => result,
        }
    }

    /// Breaks the connection under the client, as a restart of the bus does.
    #[cfg(test)]
    pub(super) async fn close_connection(&self) {
        let state = self.state.lock().await;
        state.connection.clone().unwrap().close().await.unwrap();
    }

    /// Waits until a listing that was begun is done, without asking for one.
    #[cfg(test)]
    pub(super) async fn wait_until_listed(&self) {
        while self.state.lock().await.connection.is_none() {
            tokio::task::yield_now().await;
        }
    }

    /// Reads the unit files' states again next time: the agent itself changed one.
    pub(super) async fn forget_unit_files(&self) {
        self.state.lock().await.cache.files.forget();
    }
}

impl State {
    async fn list(&mut self, address: &BusAddress) -> Result<Vec<ServiceRecord>, SystemdError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => address.connect().await?,
        };
        let calls = Calls { connection: &connection, unit: "(all)" };
        let result = list::list(&calls, &mut self.cache).await;
        let broken = result.as_ref().is_err_and(SystemdError::breaks_connection);
        self.connection = (!broken).then_some(connection);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::task::{Context, Waker};

    #[tokio::test]
    async fn listings_that_are_given_up_while_the_bus_hangs_do_not_pile_up() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("bus");
        // Connections are made, as the kernel does that alone, and nothing ever answers.
        let _silent = std::os::unix::net::UnixListener::bind(&place).unwrap();
        let client = UnitClient::at(BusAddress::At(format!("unix:path={}", place.display())));
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let before = tasks();
        for _ in 0..100 {
            let mut listing = Box::pin(client.list_services());
            assert!(listing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            tokio::task::yield_now().await;
        }
        assert!(tasks() - before <= 4, "{} tasks for 100 listings that nobody waits for", tasks() - before);
    }
}
