//! There is no hub on Windows.

use super::HubError;
use serde_json::Value;
use std::path::Path;

/// Says so.
pub struct Api(HubError);

impl Api {
    /// The API at this path.
    pub fn new(path: &Path) -> Self {
        let reason = "infinihub runs on Linux only".to_owned();
        Self(HubError::NoConnection { path: path.to_owned(), reason })
    }

    /// Reads a document.
    ///
    /// # Errors
    /// Always.
    #[allow(clippy::unused_async, reason = "as on Unix")]
    pub async fn get(&self, _address: &str) -> Result<Value, HubError> {
        Err(self.0.clone())
    }

    /// Sends a document and reads the answer.
    ///
    /// # Errors
    /// Always.
    #[allow(clippy::unused_async, reason = "as on Unix")]
    pub async fn post(&self, _address: &str, _body: &Value) -> Result<Value, HubError> {
        Err(self.0.clone())
    }

    /// Reads server-sent events.
    ///
    /// # Errors
    /// Always.
    #[allow(clippy::unused_async, reason = "as on Unix")]
    pub async fn follow(&self, _address: &str, _take: impl FnMut(&Value) -> bool) -> Result<(), HubError> {
        Err(self.0.clone())
    }

    /// Begins to read server-sent events.
    ///
    /// # Errors
    /// Always.
    #[allow(clippy::unused_async, reason = "as on Unix")]
    pub async fn events(&self, _address: &str) -> Result<Events, HubError> {
        Err(self.0.clone())
    }
}

/// There are none.
pub struct Events(std::convert::Infallible);

impl Events {
    /// Never comes.
    ///
    /// # Errors
    /// None.
    #[allow(clippy::unused_async, reason = "as on Unix")]
    pub async fn next(&mut self) -> Result<Value, HubError> {
        match self.0 {}
    }
}
