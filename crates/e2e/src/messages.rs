//! Waiting for what the guest says.

use anyhow::{Result, anyhow, bail};
use infinictl::client::Subscription;
use infiniservice_protocol::GuestMessage;

use std::time::Duration;

/// How long an answer may take in an emulated machine on a busy host.
pub const TIMEOUT: Duration = Duration::from_mins(3);

/// The first message that `wanted` picks.
///
/// # Errors
/// None came in time, or the connection ended before.
pub async fn first<T>(
    subscription: &mut Subscription,
    what: &str,
    wanted: impl Fn(&GuestMessage) -> Option<T>,
) -> Result<T> {
    let search = async {
        while let Some(event) = subscription.next().await {
            if let Some(found) = event.message().and_then(&wanted) {
                return Ok(found);
            }
        }
        bail!("the connection ended before {what} came")
    };
    let found = tokio::time::timeout(TIMEOUT, search).await;
    found.map_err(|_late| anyhow!("no {what} within {TIMEOUT:?}"))?
}
