//! A stream of metrics, kept alive by renewing its lease.

use super::{Client, ClientError};
use infiniservice_protocol::HostMessage;
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::host::{Subscribe, Unsubscribe, Wanted};
use infiniservice_protocol::number::millis;
use infiniservice_protocol::stream::Fields;
use std::time::Duration;

/// How long the guest goes on for a host that was killed.
const LEASE_SECS: u64 = 30;
/// A lease is renewed this often, so that one lost answer does not end the stream.
const RENEW: Duration = Duration::from_secs(LEASE_SECS / 3);

impl Client {
    /// Has the guest send these fields each `interval`; the stream's number.
    ///
    /// # Errors
    /// As [`Client::call`]; `Refused` where the guest offers no streams, or has too many.
    pub async fn start_stream(
        &self,
        interval: Duration,
        fields: Fields,
        wait: Duration,
    ) -> Result<u64, ClientError> {
        let interval_ms = millis(interval);
        self.lease(Wanted::New { interval_ms, fields }, wait).await
    }

    /// Renews the stream's lease until that fails; why it did.
    pub async fn keep_stream(&self, subscription: u64, wait: Duration) -> ClientError {
        loop {
            tokio::time::sleep(RENEW).await;
            if let Err(error) = self.lease(Wanted::Longer { subscription }, wait).await {
                return error;
            }
        }
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// As [`Client::call`]; `Refused` where it has ended already.
    pub async fn stop_stream(&self, subscription: u64, wait: Duration) -> Result<(), ClientError> {
        let message = HostMessage::Unsubscribe(Unsubscribe { id: self.new_id(), subscription });
        match self.call(&message, wait).await?.message() {
            Some(GuestMessage::Response(response)) if !response.success => {
                Err(ClientError::refused("Unsubscribe", response))
            }
            _ => Ok(()),
        }
    }

    async fn lease(&self, wanted: Wanted, wait: Duration) -> Result<u64, ClientError> {
        let message = HostMessage::Subscribe(Subscribe { id: self.new_id(), wanted, lease_secs: LEASE_SECS });
        let event = self.call(&message, wait).await?;
        let wrong = || ClientError::WrongAnswer { what: "Subscribe".into() };
        match event.message() {
            Some(GuestMessage::Response(response)) if !response.success => {
                Err(ClientError::refused("Subscribe", response))
            }
            Some(GuestMessage::Response(response)) => {
                response.data.get("subscription").and_then(serde_json::Value::as_u64).ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }
}
