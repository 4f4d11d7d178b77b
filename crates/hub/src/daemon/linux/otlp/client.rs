//! The receiver, over one connection that is used as long as it lasts.

use super::{answer, headers, tls};
use crate::config::{Endpoint, Otlp};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use infiniservice_hub_core::delivery::{Outcome, Packed};
use std::time::Duration;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 << 10;
const AGENT: &str = concat!("infinihub/", env!("CARGO_PKG_VERSION"));

/// A receiver.
pub(super) struct Client {
    endpoint: Endpoint,
    headers: Vec<(HeaderName, HeaderValue)>,
    within: Duration,
    is_compressed: bool,
    tls: Option<TlsConnector>,
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
            tls: tls::connector(&endpoint, &otlp.ca_file)
                .map_err(|error| format!("`otlp.ca_file`: {error}"))?,
            endpoint,
            connection: None,
        })
    }

    /// Whether bodies are compressed.
    pub(super) const fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    /// Connects, and sends nothing.
    ///
    /// # Errors
    /// Why there is no connection.
    pub(super) async fn check(&self) -> Result<(), String> {
        let connected = timeout(self.within, tls::connect(&self.endpoint, self.tls.as_ref())).await;
        connected.unwrap_or_else(|_late| Err(self.late())).map(drop)
    }

    fn late(&self) -> String {
        format!("no answer within {} s", self.within.as_secs())
    }

    /// Sends a request, and says what became of it.
    pub(super) async fn send(&mut self, packed: &Packed) -> Outcome {
        match timeout(self.within, self.exchange(packed)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(why)) => self.away(why),
            Err(_late) => self.away(self.late()),
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
            none => none.insert(connect(&self.endpoint, self.tls.as_ref()).await?),
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

async fn connect(
    endpoint: &Endpoint,
    tls: Option<&TlsConnector>,
) -> Result<SendRequest<Full<Bytes>>, String> {
    let stream = tls::connect(endpoint, tls).await?;
    let (sender, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|error| format!("no HTTP: {error}"))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            log::debug!("the connection to the OTLP receiver ended: {error}");
        }
    });
    Ok(sender)
}
