//! The way to a fleet's engine, and what stands there at one moment.

use infiniservice_engine::{Engine, Entry, Error, Settings};
use infiniservice_fleet::subject;
use std::path::Path;

/// Why a fleet did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FleetError {
    /// There is no way to its engine.
    #[error("cannot reach the fleet: {0}")]
    NoConnection(Error),
    /// The engine does not do it.
    #[error("{0}")]
    Engine(Error),
}

impl From<Error> for FleetError {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

/// Connects, as this operator.
pub(crate) async fn connect(
    url: &str,
    credentials: Option<&Path>,
    ca: Option<&Path>,
    operator: &str,
) -> Result<Engine, FleetError> {
    let settings = Settings {
        url: url.to_owned(),
        name: format!("infinictl {operator}"),
        inbox: subject::operator_inbox(operator),
        credentials: credentials.map(Into::into),
        ca: ca.map(Into::into),
    };
    Engine::connect(&settings).await.map_err(|error| match error {
        Error::Failed { .. } | Error::TimedOut { .. } => FleetError::NoConnection(error),
        other => FleetError::Engine(other),
    })
}

/// All entries of a bucket that there are now.
pub(crate) async fn snapshot(engine: &Engine, bucket: &str, keys: &str) -> Result<Vec<Entry>, FleetError> {
    Ok(engine.watch(bucket, keys).await?.all_there().await?)
}
