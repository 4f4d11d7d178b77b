//! The agent's one client of systemd: connects when first asked, and again after a failure.

use super::bus::BusAddress;
use super::calls::Calls;
use super::error::SystemdError;
use super::list::{self, Cache};
use super::record::ServiceRecord;
use std::sync::Arc;
use tokio::sync::Mutex;
use zbus::Connection;

/// Asks systemd. Cheap to clone; the clones share connection and cache. Futures must run inside a tokio runtime; from
/// another thread `tokio::runtime::Handle::block_on` does.
#[derive(Clone, Debug, Default)]
pub struct UnitClient {
    address: BusAddress,
    state: Arc<Mutex<State>>,
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
    /// does not end the listing, so that the next one finds it done.
    pub async fn list_services(&self) -> Result<Vec<ServiceRecord>, SystemdError> {
        let client = self.clone();
        let listing = tokio::spawn(async move { client.list().await });
        listing.await.unwrap_or_else(|fault| Err(SystemdError::Failed(format!("the listing ended: {fault}"))))
    }

    async fn list(&self) -> Result<Vec<ServiceRecord>, SystemdError> {
        let mut state = self.state.lock().await;
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
