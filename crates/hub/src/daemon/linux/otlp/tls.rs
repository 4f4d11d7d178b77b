//! TLS 1.3 to a receiver, whose certificate must be of an authority that is trusted.

use crate::config::Endpoint;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Where Debian's and Fedora's kin keep the authorities that they trust.
const OF_THE_SYSTEM: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// A connection, with TLS or without.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What makes connections secret, where the address asks for it.
///
/// # Errors
/// What is wrong with the authorities.
pub(super) fn connector(endpoint: &Endpoint, ca_file: &Path) -> Result<Option<TlsConnector>, String> {
    if !endpoint.tls {
        return Ok(None);
    }
    let path = if ca_file.as_os_str().is_empty() { of_the_system()? } else { ca_file.to_owned() };
    let named = |problem: String| format!("{}: {problem}", path.display());
    let mut roots = RootCertStore::empty();
    let all =
        CertificateDer::pem_file_iter(&path).map_err(|error| named(format!("cannot be read: {error}")))?;
    // A system's file may have one that rustls does not know how to use.
    let (taken, _left_out) = roots.add_parsable_certificates(all.filter_map(Result::ok));
    if taken == 0 {
        return Err(named("has no certificate of an authority".to_owned()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("no TLS: {error}"))?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Ok(Some(TlsConnector::from(Arc::new(config))))
}

fn of_the_system() -> Result<PathBuf, String> {
    let found = OF_THE_SYSTEM.iter().map(PathBuf::from).find(|path| path.exists());
    found.ok_or_else(|| format!("there is none of {}: name the authorities here", OF_THE_SYSTEM.join(", ")))
}

/// Connects.
///
/// # Errors
/// Why there is no connection, with its other end.
pub(super) async fn connect(
    endpoint: &Endpoint,
    tls: Option<&TlsConnector>,
) -> Result<Box<dyn Stream>, String> {
    let Endpoint { host, port, .. } = endpoint;
    let failed = |error: std::io::Error| format!("cannot connect to {host} port {port}: {error}");
    let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(failed)?;
    // A request is written whole.
    stream.set_nodelay(true).map_err(failed)?;
    let Some(tls) = tls else { return Ok(Box::new(stream)) };
    let name = ServerName::try_from(host.clone()).map_err(|error| format!("{host}: {error}"))?;
    Ok(Box::new(tls.connect(name, stream).await.map_err(failed)?))
}
