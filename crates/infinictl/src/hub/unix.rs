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
/// Longest server-sent event, in bytes: the table of all machines is one.
const MAX_EVENT_BYTES: usize = MAX_ANSWER_BYTES;

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
        let mut events = self.events(address).await?;
        while take(&events.next().await?) {}
        Ok(())
    }

    /// Begins to read server-sent events.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn events(&self, address: &str) -> Result<Events, HubError> {
        let response = self.send(Method::GET, address, Bytes::new(), "text/event-stream").await?;
        let what = address.to_owned();
        if !response.status().is_success() {
            let error = "it sends no events of this".to_owned();
            return Err(HubError::Refused { what, error, status: response.status().as_u16() });
        }
        Ok(Events { what, body: response.into_body(), text: Vec::new(), searched: 0 })
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

/// Server-sent events, one after the other.
pub struct Events {
    what: String,
    body: Incoming,
    text: Vec<u8>,
    /// So many bytes of the text are known to hold no end of an event.
    searched: usize,
}

impl Events {
    /// The next one's document. Dropping the future before it is done loses nothing.
    ///
    /// # Errors
    /// Where the hub ended the connection, or what it sends cannot be read.
    pub async fn next(&mut self) -> Result<Value, HubError> {
        loop {
            while let Some(event) = self.taken() {
                if let Some(document) = data(&event) {
                    return Ok(document);
                }
            }
            if self.text.len() > MAX_EVENT_BYTES {
                return Err(self.unreadable("an event is too long"));
            }
            let Some(frame) = self.body.frame().await else {
                return Err(self.unreadable("the hub ended the connection"));
            };
            let frame = frame.map_err(|error| self.unreadable(&error.to_string()))?;
            self.text.extend_from_slice(frame.data_ref().map_or(&[][..], |bytes| bytes));
        }
    }

    /// The first event that is there whole.
    fn taken(&mut self) -> Option<Vec<u8>> {
        let fresh = self.text.get(self.searched..).unwrap_or_default();
        let Some(end) = fresh.windows(2).position(|pair| pair == b"\n\n") else {
            self.searched = self.text.len().saturating_sub(1);
            return None;
        };
        let event = self.text.drain(..self.searched + end + 2).collect();
        self.searched = 0;
        Some(event)
    }

    fn unreadable(&self, reason: &str) -> HubError {
        HubError::Unreadable { what: self.what.clone(), reason: reason.to_owned() }
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
