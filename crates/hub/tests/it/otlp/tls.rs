//! A receiver with a certificate, by the system's `openssl`.

use super::receiver::Receiver;
use super::{configured, started};
use crate::support::Host;
use infiniservice_lab::packages::{CERTIFICATES, ensure};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const CONFIG: &str = "[req]\ndistinguished_name = dn\nx509_extensions = own\n[dn]\n[own]\nsubjectAltName = IP:127.0.0.1\n\
    basicConstraints = critical,CA:FALSE\n";

/// A certificate that is its own authority, as `own.pem` with `own.key`.
fn certificate(directory: &Path) -> TlsAcceptor {
    ensure(CERTIFICATES).unwrap();
    std::fs::write(directory.join("openssl"), CONFIG).unwrap();
    let line = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=receiver \
        -config openssl -keyout own.key -out own.pem";
    let made = Command::new("openssl").args(line.split_whitespace()).current_dir(directory).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let certificate = CertificateDer::from_pem_file(directory.join("own.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(directory.join("own.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_receiver_is_spoken_to_over_tls_and_only_where_its_certificate_is_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let tls = certificate(directory.path());
    let receiver = Receiver::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), &[], Some(tls));
    let endpoint = format!("https://{}", receiver.address);
    // The system trusts another authority.
    let host = started(&endpoint, "", &["db"]).await;
    told(&host, "invalid peer certificate").await;
    drop(host);
    assert!(receiver.received().requests.is_empty());
    let more = format!("ca_file = \"{}\"\n", directory.path().join("own.pem").display());
    let _host = started(&endpoint, &more, &["web"]).await;
    receiver.until("figures", |it| it.metrics.iter().any(|(vm, _)| vm == "web")).await;
    assert!(receiver.received().metrics.iter().all(|(vm, _)| vm != "db"));
}

async fn told(host: &Host, words: &str) {
    let waited = async {
        while !host.log().contains(words) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, waited).await.unwrap_or_else(|_| panic!("{}", host.log()));
}

#[test]
fn diagnose_says_whether_the_receiver_can_be_reached() {
    let host = configured("http://127.0.0.1:1", "");
    let output = Command::new(env!("CARGO_BIN_EXE_infinihub"))
        .args(["--diagnose", "--config"])
        .arg(host.path("config.toml"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("wrong: otlp: metrics, logs, traces cannot go to http://127.0.0.1:1"), "{said}");
}
