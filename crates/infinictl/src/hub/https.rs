//! TLS to a hub elsewhere: both ends show certificates.

use hyper::Uri;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The port of a hub whose address names none.
const DEFAULT_PORT: u16 = 9757;
/// How long connecting may take, the handshake with it.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The PEM files by which the two ends know each other.
#[derive(Clone, Debug)]
pub struct Files {
    /// Our certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities that the hub's certificate may be of.
    pub ca: PathBuf,
}

/// A hub elsewhere.
#[derive(Clone, Debug)]
pub struct Https {
    host: String,
    port: u16,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

impl fmt::Display for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.authority())
    }
}

impl Https {
    /// The hub at `https://HOST:PORT`.
    ///
    /// # Errors
    /// What is wrong with the address or a file.
    pub fn new(address: &str, files: &Files) -> Result<Self, String> {
        let wrong = || format!("a hub's address is https://HOST or https://HOST:PORT, not {address:.200?}");
        let uri: Uri = address.parse().map_err(|_no_address| wrong())?;
        let is_plain = uri.scheme_str() == Some("https") && uri.path() == "/" && uri.query().is_none();
        let host = uri.host().filter(|_| is_plain).ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_no_name| wrong())?;
        Ok(Self { host, port: uri.port_u16().unwrap_or(DEFAULT_PORT), name, config: config(files)? })
    }

    /// As a request names it.
    pub(super) fn authority(&self) -> String {
        let host = &self.host;
        if host.contains(':') { format!("[{host}]:{}", self.port) } else { format!("{host}:{}", self.port) }
    }

    /// Connects; an error says what to check.
    pub(super) async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let connecting = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            TlsConnector::from(Arc::clone(&self.config)).connect(self.name.clone(), stream).await
        };
        timeout(CONNECT_WITHIN, connecting).await.unwrap_or_else(|_late| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn config(files: &Files) -> Result<Arc<ClientConfig>, String> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(&files.ca)? {
        authorities.add(certificate).map_err(|error| format!("{}: {error}", files.ca.display()))?;
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|error| format!("{}: {error}", files.key.display()))?;
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| error.to_string())?
        .with_root_certificates(authorities);
    let mut config =
        builder.with_client_auth_cert(certificates(&files.certificate)?, key).map_err(|error| {
            format!("{} and {} do not go together: {error}", files.certificate.display(), files.key.display())
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    match all.map_err(|error| format!("{}: {error}", path.display()))? {
        none if none.is_empty() => Err(format!("{} holds no certificate in PEM", path.display())),
        all => Ok(all),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_of_a_hub_is_told_before_any_file() {
        let files = Files { certificate: "/no/c".into(), key: "/no/k".into(), ca: "/no/ca".into() };
        for wrong in ["https://", "http://h", "https://h/v1", "https://h?x=1", "h:1", "https://h h", ""] {
            let error = Https::new(wrong, &files).unwrap_err();
            assert!(error.contains("https://HOST:PORT"), "{wrong}: {error}");
        }
        for good in ["https://h", "https://h:9757/", "https://[::1]:1", "https://10.0.0.1"] {
            let error = Https::new(good, &files).unwrap_err();
            assert!(error.contains("cannot read /no/ca"), "{good}: {error}");
        }
    }
}
