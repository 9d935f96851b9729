//! A request as it goes over the wire.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Method};

/// Headers in the order in which they are sent, each name once. A handful of names are compared sooner than they are hashed.
pub(in crate::probe) struct Headers(Vec<(HeaderName, HeaderValue)>);

impl Headers {
    pub(in crate::probe) fn with_capacity(headers: usize) -> Headers {
        Headers(Vec::with_capacity(headers))
    }

    pub(in crate::probe) fn have(&self, name: &HeaderName) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    pub(in crate::probe) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, earlier)) => *earlier = value,
            None => self.0.push((name, value)),
        }
    }

    pub(in crate::probe) fn into_map(self) -> HeaderMap {
        self.0.into_iter().collect()
    }
}

/// The bytes of a request (RFC 9112, sections 3 and 6). Its length is the body's, whatever its headers say.
pub(in crate::probe) fn encode(method: &Method, asked: &str, mut headers: Headers, body: &[u8]) -> Bytes {
    headers.0.retain(|(name, _)| *name != TRANSFER_ENCODING && *name != CONTENT_LENGTH);
    if !body.is_empty() || matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        headers.set(CONTENT_LENGTH, body.len().into());
    }
    let values: usize = headers.0.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum();
    let mut bytes = Vec::with_capacity(method.as_str().len() + asked.len() + "  HTTP/1.1\r\n\r\n".len() + values + body.len());
    for part in [method.as_str(), " ", asked, " HTTP/1.1\r\n"] {
        bytes.extend_from_slice(part.as_bytes());
    }
    for (name, value) in &headers.0 {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes.into()
}
