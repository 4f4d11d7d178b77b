//! The certificate, its key and the clients' authorities: read again when one of their files has changed, so that they are
//! exchanged without a restart.

use crate::config::Tcp;
use infiniservice_platform::trusted::TrustedFile;
use std::cell::RefCell;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// Longest file, in bytes: some hundred certificates.
const MAX_BYTES: u64 = 1 << 20;

/// What tells one state of a file from another: inode, size, and the time of its last change.
type Stamp = Option<(u64, u64, i64, i64)>;

struct Current {
    stamps: [Stamp; 3],
    config: Arc<ServerConfig>,
}

/// What handshakes are done with.
pub(in super::super) struct Certificates {
    files: Tcp,
    current: RefCell<Current>,
}

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// Which file is wrong, and why.
    pub(in super::super) fn open(files: Tcp) -> Result<Self, String> {
        let (stamps, config) = (stamps(&files), load(&files)?);
        Ok(Self { files, current: RefCell::new(Current { stamps, config }) })
    }

    /// With the files as they are now. Those of which something is wrong are told once, and the last good ones are used.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        let (now, mut current) = (stamps(&self.files), self.current.borrow_mut());
        if now != current.stamps {
            current.stamps = now;
            match load(&self.files) {
                Ok(config) => {
                    log::info!("the certificate, its key or the clients' authorities were read again");
                    current.config = config;
                }
                Err(error) => log::error!("those before are still used: {error}"),
            }
        }
        Arc::clone(&current.config)
    }
}

fn stamps(files: &Tcp) -> [Stamp; 3] {
    [&files.certificate, &files.key, &files.client_ca].map(|path| {
        let it = std::fs::metadata(path).ok()?;
        Some((it.ino(), it.size(), it.ctime(), it.ctime_nsec()))
    })
}

fn load(files: &Tcp) -> Result<Arc<ServerConfig>, String> {
    let own = certificates("tcp.certificate", &files.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read("tcp.key", &files.key, true)?)
        .map_err(|error| format!("`tcp.key`: {}: {error}", files.key.display()))?;
    let mut authorities = RootCertStore::empty();
    for certificate in certificates("tcp.client_ca", &files.client_ca)? {
        let added = authorities.add(certificate);
        added.map_err(|error| format!("`tcp.client_ca`: {}: {error}", files.client_ca.display()))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider))
        .build()
        .map_err(|error| format!("`tcp.client_ca`: {error}"))?;
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13]);
    let builder = builder.map_err(|error| error.to_string())?.with_client_cert_verifier(verifier);
    let mut config = builder
        .with_single_cert(own, key)
        .map_err(|error| format!("`tcp.certificate` and `tcp.key` do not go together: {error}"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Each connection shows its certificate: one that has expired meanwhile does not go on by an old session.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

fn certificates(name: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = read(name, path, false)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match all.map_err(|error| format!("`{name}`: {}: {error}", path.display()))? {
        none if none.is_empty() => Err(format!("`{name}`: {} holds no certificate in PEM", path.display())),
        all => Ok(all),
    }
}

/// A file that nobody else can change, and where it is a secret, nobody else can read.
fn read(name: &str, path: &Path, is_secret: bool) -> Result<Vec<u8>, String> {
    let told = |problem: String| format!("`{name}`: {} {problem}", path.display());
    let file = TrustedFile::open(path).map_err(told)?.ok_or_else(|| told("is not there".to_owned()))?;
    if is_secret {
        file.check_not_readable_by_others().map_err(told)?;
    }
    let mut bytes = Vec::new();
    let read = file.reader().take(MAX_BYTES + 1).read_to_end(&mut bytes);
    match read.map_err(|error| told(format!("cannot be read: {error}")))? as u64 {
        0..=MAX_BYTES => Ok(bytes),
        _ => Err(told(format!("is longer than {MAX_BYTES} bytes"))),
    }
}
