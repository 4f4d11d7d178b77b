//! The receiver, over one connection that is used as long as it lasts.

use super::{answer, headers};
use crate::config::{Endpoint, Otlp};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use infiniservice_hub_core::delivery::{Outcome, Packed};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 << 10;
const AGENT: &str = concat!("infinihub/", env!("CARGO_PKG_VERSION"));

/// A receiver.
pub(super) struct Client {
    endpoint: Endpoint,
    headers: Vec<(HeaderName, HeaderValue)>,
    within: Duration,
    is_compressed: bool,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// As the settings have it; nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with the settings' files.
    pub(super) fn new(otlp: &Otlp) -> Result<Self, String> {
        let endpoint = otlp.address()?;
        Ok(Self {
            headers: headers::of(&otlp.headers_file)
                .map_err(|error| format!("`otlp.headers_file`: {error}"))?,
            within: Duration::from_secs(otlp.timeout_secs),
            is_compressed: otlp.compression == "gzip",
            endpoint,
            connection: None,
        })
    }

    /// Whether bodies are compressed.
    pub(super) const fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    /// Sends a request, and says what became of it.
    pub(super) async fn send(&mut self, packed: &Packed) -> Outcome {
        match timeout(self.within, self.exchange(packed)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(why)) => self.away(why),
            Err(_late) => self.away(format!("no answer within {} s", self.within.as_secs())),
        }
    }

    fn away(&mut self, why: String) -> Outcome {
        self.connection = None;
        Outcome::Later { after: None, why }
    }

    async fn exchange(&mut self, packed: &Packed) -> Result<Outcome, String> {
        // A receiver may close a connection that was idle, at any moment.
        if self.connection.is_some()
            && let Ok(outcome) = self.exchange_once(packed).await
        {
            return Ok(outcome);
        }
        self.connection = None;
        self.exchange_once(packed).await
    }

    async fn exchange_once(&mut self, packed: &Packed) -> Result<Outcome, String> {
        let request = self.request(packed)?;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connect(&self.endpoint).await?),
        };
        let failed = |error: hyper::Error| format!("the connection failed: {error}");
        connection.ready().await.map_err(failed)?;
        let response = connection.send_request(request).await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        // What is too long to be read is not worth it, and the connection with it.
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
        if body.is_err() {
            self.connection = None;
        }
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Ok(answer::outcome(packed.signal, status, &headers, &body))
    }

    fn request(&self, packed: &Packed) -> Result<Request<Full<Bytes>>, String> {
        let Endpoint { host, port, path, .. } = &self.endpoint;
        let host = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{path}/v1/{}", packed.signal.name()))
            .header(HOST, host)
            .header(USER_AGENT, AGENT)
            .header(CONTENT_TYPE, "application/x-protobuf");
        if self.is_compressed {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = Full::new(Bytes::from(packed.body.clone()));
        request.body(body).map_err(|error| format!("no request can be made: {error}"))
    }
}

async fn connect(endpoint: &Endpoint) -> Result<SendRequest<Full<Bytes>>, String> {
    let Endpoint { host, port, .. } = endpoint;
    let failed = |error: std::io::Error| format!("cannot connect to {host} port {port}: {error}");
    let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(failed)?;
    // A request is written whole.
    stream.set_nodelay(true).map_err(failed)?;
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("no HTTP with {host} port {port}: {error}"))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            log::debug!("the connection to the OTLP receiver ended: {error}");
        }
    });
    Ok(sender)
}
