//! Somebody else's client, set up to do no more than the probe does; shared by the benches that compare with it.
#![allow(missing_docs, unreachable_pub, clippy::expect_used)]

use std::sync::Arc;

/// A client for HTTP/1.1 without proxies and delays; it never needs the TLS that it insists on being given.
pub fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().http1_only().no_proxy().tcp_nodelay(true).tls_backend_preconfigured(no_tls())
}

fn no_tls() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("ring's versions");
    builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
}
