//! Where no such socket is: `sc query` and the log say what can be known.

use super::Asker;
use std::future::pending;

/// Asked by nobody.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// There is nothing to start.
    pub fn start() -> Self {
        Self
    }

    /// Never.
    pub async fn asked(&mut self) -> Asker {
        pending().await
    }
}

/// Why there is no answer.
pub fn ask() -> Result<String, String> {
    Err("the running agent cannot be queried on this system; see: infiniservice service status, and its log"
        .into())
}
