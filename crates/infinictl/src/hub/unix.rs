//! HTTP/1.1 over a Unix socket: one connection a request, on a host that is this one.

use super::HubError;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tokio::net::UnixStream;

/// Longest answer: ten thousand machines at a kilobyte, and the longest line of a guest.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// Longest server-sent event.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// The hub's API.
pub struct Api {
    path: PathBuf,
}

impl Api {
    /// The API at this path.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// Where there is no hub, or it refuses.
    pub async fn get(&self, address: &str) -> Result<Value, HubError> {
        self.document(Method::GET, address, Bytes::new()).await
    }

    /// Sends a document and reads the answer.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn post(&self, address: &str, body: &Value) -> Result<Value, HubError> {
        self.document(Method::POST, address, body.to_string().into()).await
    }

    async fn document(&self, method: Method, address: &str, body: Bytes) -> Result<Value, HubError> {
        let response = self.send(method, address, body, "application/json").await?;
        let status = response.status();
        let unreadable = |reason: String| HubError::Unreadable { what: address.to_owned(), reason };
        let bytes = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
        let bytes = bytes.map_err(|error| unreadable(error.to_string()))?.to_bytes();
        let document: Value =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if status.is_success() {
            return Ok(document);
        }
        let error = document["error"].as_str().unwrap_or("without a reason").to_owned();
        Err(HubError::Refused { what: address.to_owned(), error, status: status.as_u16() })
    }

    /// Reads server-sent events until `take` says `false` or the hub ends.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn follow(&self, address: &str, mut take: impl FnMut(&Value) -> bool) -> Result<(), HubError> {
        let response = self.send(Method::GET, address, Bytes::new(), "text/event-stream").await?;
        let unreadable =
            |reason: &str| HubError::Unreadable { what: address.to_owned(), reason: reason.to_owned() };
        let (mut body, mut text) = (response.into_body(), Vec::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| unreadable(&error.to_string()))?;
            text.extend_from_slice(frame.data_ref().map_or(&[][..], |bytes| bytes));
            while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = text.drain(..end + 2).collect();
                if !data(&event).is_none_or(|document| take(&document)) {
                    return Ok(());
                }
            }
            if text.len() > MAX_EVENT_BYTES {
                return Err(unreadable("an event is too long"));
            }
        }
        Err(unreadable("the hub ended the connection"))
    }

    async fn send(
        &self,
        method: Method,
        address: &str,
        body: Bytes,
        accept: &'static str,
    ) -> Result<Response<Incoming>, HubError> {
        let failed = |reason: String| HubError::NoConnection { path: self.path.clone(), reason };
        let stream = UnixStream::connect(&self.path).await.map_err(|error| failed(advice(&error)))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(error.to_string()))?;
        tokio::spawn(connection);
        let request =
            Request::builder().method(method).uri(address).header(HOST, "localhost").header(ACCEPT, accept);
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::new(body));
        let request = request.map_err(|error| failed(error.to_string()))?;
        sender.send_request(request).await.map_err(|error| failed(error.to_string()))
    }
}

fn advice(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such socket; is infinihub running?".to_owned(),
        std::io::ErrorKind::ConnectionRefused => "nobody listens on it; is infinihub running?".to_owned(),
        std::io::ErrorKind::PermissionDenied => {
            "permission denied; run as root, or as a member of its group".to_owned()
        }
        _ => error.to_string(),
    }
}

/// The document in an event's `data:` line.
fn data(event: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(event).ok()?;
    let data = text.lines().find_map(|line| line.strip_prefix("data: "))?;
    serde_json::from_str(data).ok()
}
