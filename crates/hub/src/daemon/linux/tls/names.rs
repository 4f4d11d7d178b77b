//! The names in a certificate by which rules know its owner.

use tokio_rustls::rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

/// Names of one certificate that count.
const MAX_NAMES: usize = 32;

/// The DNS names and URIs among a certificate's alternative names. Its subject says nothing: authorities write there what they
/// like.
pub(super) fn of(certificate: &CertificateDer<'_>) -> Vec<String> {
    // The handshake has read it before.
    let Ok(certificate) = EndEntityCert::try_from(certificate) else { return Vec::new() };
    let uris = certificate.valid_uri_names().filter(|uri| is_clear(uri));
    certificate.valid_dns_names().chain(uris).take(MAX_NAMES).map(str::to_owned).collect()
}

/// Whether it can be taken for no DNS name, and for no list of names.
fn is_clear(uri: &str) -> bool {
    uri.contains(':') && !uri.contains([',', ' ']) && !uri.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_would_be_taken_for_a_name_or_for_several_does_not_count() {
        assert!(is_clear("spiffe://prod.example/ops"));
        for uri in ["ops.example", "x:a,b", "x:a b", "x:\n"] {
            assert!(!is_clear(uri), "{uri}");
        }
    }
}
