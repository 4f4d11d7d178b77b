//! HTTP/1.1, one connection a request.

#[cfg(unix)]
use super::unix as socket;
#[cfg(not(unix))]
use super::windows as socket;
use super::{Events, Https, HubError};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, UPGRADE};
use hyper::http::request::Builder;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::error::Error;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncRead, AsyncWrite};

/// The name of a machine's wire among protocols (docs/hub.md).
const WIRE: &str = "infini-wire";
/// Longest answer: ten thousand machines at a kilobyte, and the longest line of a guest.
pub(super) const MAX_ANSWER_BYTES: usize = 64 << 20;

/// A machine's wire through a hub.
pub type Wire = TokioIo<Upgraded>;

/// Where the API is.
enum Place {
    Socket(PathBuf),
    Https(Https),
}

/// The hub's API.
pub struct Api(Place);

impl Api {
    /// The API at this path.
    pub fn new(path: &Path) -> Self {
        Self(Place::Socket(path.to_owned()))
    }

    /// The API of a hub elsewhere.
    pub const fn https(hub: Https) -> Self {
        Self(Place::Https(hub))
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
        if response.status().is_success() {
            return document_of(address, response).await;
        }
        Err(refusal(address, response).await)
    }

    /// Reads server-sent events until `take` says `false` or the hub ends; `take` gets an event's id, where it has one, and its
    /// document.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn follow(
        &self,
        address: &str,
        mut take: impl FnMut(Option<&str>, &Value) -> bool,
    ) -> Result<(), HubError> {
        let mut events = self.events(address).await?;
        loop {
            let (id, document) = events.next().await?;
            if !take(id.as_deref(), &document) {
                return Ok(());
            }
        }
    }

    /// Begins to read server-sent events.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn events(&self, address: &str) -> Result<Events, HubError> {
        let response = self.send(Method::GET, address, Bytes::new(), "text/event-stream").await?;
        if response.status().is_success() {
            return Ok(Events::new(address.to_owned(), response.into_body()));
        }
        Err(refusal(address, response).await)
    }

    /// Takes a place at a machine: its wire, as `wire.sock` has it after its first line.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn wire(&self, vm: &str) -> Result<Wire, HubError> {
        let address = format!("/v1/vms/{}/wire", utf8_percent_encode(vm, NON_ALPHANUMERIC));
        let request = self.request(Method::GET, &address);
        let request = request.header(CONNECTION, "upgrade").header(UPGRADE, WIRE);
        let response = self.sent(request.body(Full::default())).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(refusal(&address, response).await);
        }
        let upgraded = hyper::upgrade::on(response).await;
        upgraded.map(TokioIo::new).map_err(|error| self.failed(whole(&error)))
    }

    async fn send(
        &self,
        method: Method,
        address: &str,
        body: Bytes,
        accept: &'static str,
    ) -> Result<Response<Incoming>, HubError> {
        let request = self.request(method, address).header(ACCEPT, accept);
        self.sent(request.header(CONTENT_TYPE, "application/json").body(Full::new(body))).await
    }

    fn request(&self, method: Method, address: &str) -> Builder {
        let host = match &self.0 {
            Place::Socket(_) => "localhost".to_owned(),
            Place::Https(hub) => hub.authority(),
        };
        Request::builder().method(method).uri(address).header(HOST, host)
    }

    async fn sent(
        &self,
        request: Result<Request<Full<Bytes>>, hyper::http::Error>,
    ) -> Result<Response<Incoming>, HubError> {
        let request = request.map_err(|error| self.failed(error.to_string()))?;
        match &self.0 {
            Place::Socket(path) => {
                let stream = socket::connect(path).await.map_err(|error| self.failed(error.to_string()))?;
                over(stream, request).await
            }
            Place::Https(hub) => {
                let stream = hub.connect().await.map_err(|error| self.failed(whole(&error)))?;
                over(stream, request).await
            }
        }
        .map_err(|error| self.failed(whole(&error)))
    }

    fn failed(&self, reason: String) -> HubError {
        let place = match &self.0 {
            Place::Socket(path) => path.display().to_string(),
            Place::Https(hub) => hub.to_string(),
        };
        HubError::NoConnection { place, reason }
    }
}

async fn over<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    sender.send_request(request).await
}

/// An error with its causes: TLS tells in the last of them what the other end did not like.
fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.extend([": ", &more]);
        }
        cause = error.source();
    }
    text
}

/// What the hub says where it does not do it.
async fn refusal(address: &str, response: Response<Incoming>) -> HubError {
    let (what, status) = (address.to_owned(), response.status().as_u16());
    match document_of(address, response).await {
        Err(error) => error,
        Ok(document) => {
            let error = document["error"].as_str().unwrap_or("without a reason").to_owned();
            HubError::Refused { what, error, status }
        }
    }
}

async fn document_of(address: &str, response: Response<Incoming>) -> Result<Value, HubError> {
    let unreadable = |reason: String| HubError::Unreadable { what: address.to_owned(), reason };
    let bytes = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
    let bytes = bytes.map_err(|error| unreadable(error.to_string()))?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))
}
