//! Proxies: which requests go through one, and how it is asked for a tunnel.

use http::uri::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::NetworkError;
use super::destination::{Origin, Proxy, Scheme};
use crate::model::answer::TransportFault;

/// What the environment says of proxies; by custom in `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
#[derive(Clone, Default)]
pub struct Proxies {
    /// For `http://`.
    pub http: Option<String>,
    /// For `https://`.
    pub https: Option<String>,
    /// For both, where they have none of their own.
    pub all: Option<String>,
    /// Hosts, domains and networks that are reached without one, with commas between them; `*` for all.
    pub none_for: Option<String>,
}

/// Credentials may stand in a proxy's address.
impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxies").field("none_for", &self.none_for).finish_non_exhaustive()
    }
}

/// Striking out every `x` would ruin the record and protect nothing.
const SHORTEST_SECRET: usize = 4;

/// The largest answer to a request for a tunnel.
const LARGEST_ANSWER: usize = 16 * 1024;

impl Proxies {
    /// What stands in the addresses that only a proxy may know, longest first.
    pub(super) fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        for address in [&self.http, &self.https, &self.all].into_iter().flatten() {
            let Some((credentials, _)) = address.rsplit_once('@') else { continue };
            let credentials = credentials.rsplit("//").next().unwrap_or(credentials);
            let password = credentials.split_once(':').map_or(credentials, |(_, password)| password);
            let plain = percent_encoding::percent_decode_str(password).decode_utf8_lossy().into_owned();
            secrets.extend([password.to_owned(), plain]);
            let nowhere = Uri::from_static("http://statusgap.invalid");
            let sent = Matcher::builder().all(address.as_str()).build().intercept(&nowhere).and_then(|way| way.basic_auth().cloned());
            // `Basic` and a blank are nobody's secret.
            secrets.extend(sent.and_then(|sent| Some(sent.to_str().ok()?.split_once(' ')?.1.to_owned())));
        }
        secrets.retain(|secret| secret.len() >= SHORTEST_SECRET);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        secrets
    }

    /// The proxy for an origin. This machine is never reached through one: whoever probes it means what listens here.
    pub(super) fn toward(&self, origin: &Origin, uri: &Uri) -> Result<Option<Proxy>, NetworkError> {
        if origin.is_loopback() {
            return Ok(None);
        }
        let own = match origin.scheme {
            Scheme::Http => &self.http,
            Scheme::Https => &self.https,
        };
        let Some(address) = own.as_deref().or(self.all.as_deref()).map(str::trim).filter(|address| !address.is_empty()) else {
            return Ok(None);
        };
        let matcher = Matcher::builder().all(address).no(self.none_for.as_deref().unwrap_or_default()).build();
        let Some(found) = matcher.intercept(uri) else {
            // Either no proxy is wanted here, or nothing can be made of the address.
            let readable = Matcher::builder().all(address).build().intercept(uri).is_some();
            return if readable { Ok(None) } else { Err(NetworkError::Proxy) };
        };
        if found.uri().scheme_str() != Some("http") {
            return Err(NetworkError::Proxy);
        }
        let way = Origin::of(found.uri()).ok_or(NetworkError::Proxy)?;
        Ok(Some(Proxy { host: way.host, port: way.port, authorization: found.basic_auth().cloned() }))
    }
}

/// Asks a proxy for a tunnel (RFC 9110, section 9.3.6).
pub(super) async fn tunnel(stream: &mut TcpStream, proxy: &Proxy, origin: &Origin) -> Result<(), TransportFault> {
    let host = if origin.host.contains(':') { format!("[{}]", origin.host) } else { origin.host.clone() };
    let mut asked = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n", port = origin.port).into_bytes();
    if let Some(authorization) = &proxy.authorization {
        asked.extend_from_slice(b"Proxy-Authorization: ");
        asked.extend_from_slice(authorization.as_bytes());
        asked.extend_from_slice(b"\r\n");
    }
    asked.extend_from_slice(b"\r\n");
    stream.write_all(&asked).await.map_err(|_| TransportFault::Proxy)?;
    let mut answer = Vec::with_capacity(512);
    while !answer.ends_with(b"\r\n\r\n") {
        // Byte by byte, so that nothing of what comes through the tunnel is taken for the proxy's.
        let byte = stream.read_u8().await.map_err(|_| TransportFault::Proxy)?;
        answer.push(byte);
        if answer.len() > LARGEST_ANSWER {
            return Err(TransportFault::Proxy);
        }
    }
    let granted = answer.starts_with(b"HTTP/1.1 2") || answer.starts_with(b"HTTP/1.0 2");
    if granted { Ok(()) } else { Err(TransportFault::Proxy) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_credentials_are_secrets_in_every_form_that_they_take() {
        let proxies = Proxies { http: Some("http://ann:s3%2Fcret@proxy.test:1".into()), ..Proxies::default() };
        // printf 'ann:s3/cret' | base64 (GNU coreutils 9.1)
        assert_eq!(proxies.secrets(), ["YW5uOnMzL2NyZXQ=", "s3%2Fcret", "s3/cret"]);
        assert_eq!(Proxies { all: Some("http://proxy.test:1".into()), ..Proxies::default() }.secrets(), [""; 0]);
    }
}
