//! Whom the probe trusts, and as whom it shows itself.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::NetworkError;

/// A file of certificates or keys, as it was read.
#[derive(Clone)]
pub struct Pem {
    /// What the user calls it.
    pub file: String,
    /// What stands in it.
    pub text: Vec<u8>,
}

/// A private key stands in some of them.
impl std::fmt::Debug for Pem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pem").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Whom to trust beside the system's own store, and a certificate to show.
#[derive(Debug, Clone, Default)]
pub struct Certificates {
    /// Authorities that are trusted, too.
    pub authorities: Option<Pem>,
    /// The certificate that the target's own origin is shown, and only that; with the chain above it.
    pub client: Option<Pem>,
    /// Its key; where it is missing, the key stands in the certificate's file.
    pub client_key: Option<Pem>,
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// The target.
    Target,
    /// Another origin, to which a reply pointed: it is shown no certificate of ours.
    Stranger,
}

/// How TLS is spoken.
pub(super) fn client_config(peer: Peer, certificates: &Certificates, alpn: &[u8]) -> Result<ClientConfig, NetworkError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().map_err(NetworkError::Tls)?;
    let authorities = certificates.authorities.as_ref().map(chain).transpose()?.unwrap_or_default();
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(authorities, provider).map_err(NetworkError::Tls)?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &certificates.client {
        Some(client) if peer == Peer::Target => {
            let key_file = certificates.client_key.as_ref().unwrap_or(client);
            let key = PrivateKeyDer::from_pem_slice(&key_file.text).map_err(|error| NetworkError::Pem {
                file: key_file.file.clone(),
                wanted: "a private key",
                why: error.to_string(),
            })?;
            builder.with_client_auth_cert(chain(client)?, key).map_err(NetworkError::Tls)?
        }
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    Ok(config)
}

/// The certificates in a file, at least one.
fn chain(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, NetworkError> {
    let wrong = |why: String| NetworkError::Pem { file: pem.file.clone(), wanted: "certificates", why };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem.text).collect::<Result<_, _>>().map_err(|error| wrong(error.to_string()))?;
    if chain.is_empty() { Err(wrong("there is none in it".to_owned())) } else { Ok(chain) }
}
