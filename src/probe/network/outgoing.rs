//! A request, made ready for the wire before its time has come.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue, PROXY_AUTHORIZATION, TRANSFER_ENCODING};
use http::uri::Uri;
use http::{Method, Version};
use http_body_util::Full;

use super::destination::{Asked, Destination};
use crate::model::run::HttpVersion;
use crate::model::trace::SpanId;
use crate::probe::trace_ids::{self, TRACEPARENT, TraceIds};
use crate::probe::transport::{AsSent, Unsendable};
use crate::target::Request;

/// A request with everything that does not depend on when it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(super) to: Arc<Destination>,
    pub(super) message: Message,
}

/// What is sent.
#[derive(Clone)]
pub(super) enum Message {
    /// HTTP/1.1, byte for byte.
    One {
        method: Method,
        bytes: Bytes,
        /// Where the ids of an exchange have their place.
        trace_at: Option<usize>,
    },
    /// HTTP/2, for which headers are packed anew on each connection. Boxed, so that the others need not hold the place for it.
    Two(Box<http::Request<Full<Bytes>>>),
}

/// Headers and bodies may be secrets.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let method = match self {
            Message::One { method, .. } => method,
            Message::Two(request) => request.method(),
        };
        f.debug_tuple("Message").field(method).finish()
    }
}

impl Outgoing {
    /// A request for what is asked by way of `to`; `usual` are the headers that go along unless the request has its own.
    pub(super) fn new(
        request: Request,
        asked: Asked,
        to: Arc<Destination>,
        version: HttpVersion,
        usual: &[(HeaderName, HeaderValue)],
    ) -> Result<Outgoing, Unsendable> {
        let mut headers = Headers(Vec::with_capacity(request.headers.len() + usual.len() + 3));
        for (name, value) in request.headers {
            let name = HeaderName::try_from(name).map_err(|_| Unsendable::Address)?;
            headers.set(name, HeaderValue::try_from(value).map_err(|_| Unsendable::Address)?);
        }
        for (name, value) in usual {
            if !headers.have(name) {
                headers.set(name.clone(), value.clone());
            }
        }
        let read_by = to.proxy.as_ref().filter(|_| !to.is_tunnelled(version));
        if let Some(authorization) = read_by.and_then(|proxy| proxy.authorization.clone()) {
            headers.set(PROXY_AUTHORIZATION, authorization);
        }
        let message = match version {
            HttpVersion::One => {
                if !headers.have(&HOST) {
                    headers.set(HOST, asked.authority);
                }
                // A proxy that reads requests wants the absolute form, all others the origin form (RFC 9112, section 3.2).
                let bytes = match read_by {
                    Some(_) => on_the_wire(&request.method, &address(&request.url)?.to_string(), headers, &request.body),
                    None => on_the_wire(&request.method, asked.path.as_str(), headers, &request.body),
                };
                let trace_at = usual.iter().any(|(name, _)| *name == TRACEPARENT).then(|| trace_ids::place_in(&bytes)).flatten();
                Message::One { method: request.method, bytes, trace_at }
            }
            HttpVersion::Two => {
                let uri = address(&request.url)?;
                let mut message = http::Request::new(Full::new(Bytes::from(request.body)));
                *message.method_mut() = request.method;
                *message.uri_mut() = uri;
                *message.version_mut() = Version::HTTP_2;
                *message.headers_mut() = headers.0.into_iter().collect();
                Message::Two(Box::new(message))
            }
        };
        Ok(Outgoing { to, message })
    }
}

impl Outgoing {
    /// The same with the next ids, where it has room for them: a target file may have a `traceparent` of its own.
    pub(crate) fn traced(&self, ids: &TraceIds) -> Option<(Outgoing, SpanId)> {
        let (message, own) = match &self.message {
            Message::One { method, bytes, trace_at: Some(at) } => {
                let own = ids.next();
                (Message::One { method: method.clone(), bytes: ids.in_bytes(bytes, *at, own), trace_at: Some(*at) }, own)
            }
            Message::One { trace_at: None, .. } => return None,
            Message::Two(request) => {
                request.headers().get(TRACEPARENT).filter(|value| trace_ids::is_placeholder(value))?;
                let own = ids.next();
                let mut request = request.clone();
                request.headers_mut().insert(TRACEPARENT, ids.value(own));
                (Message::Two(request), own)
            }
        };
        Some((Outgoing { to: Arc::clone(&self.to), message }, own))
    }

    pub(crate) fn as_sent(&self) -> AsSent<'_> {
        match &self.message {
            Message::One { bytes, .. } => AsSent::Bytes(bytes),
            // The body is packed already.
            Message::Two(request) => {
                AsSent::Message { method: request.method(), uri: request.uri(), headers: request.headers(), body: &[] }
            }
        }
    }
}

/// A whole address, taken apart.
pub(super) fn address(url: &str) -> Result<Uri, Unsendable> {
    url.parse().map_err(|_| Unsendable::Address)
}

/// Headers in the order in which they are sent, each name once. A handful of names are compared sooner than they are hashed.
struct Headers(Vec<(HeaderName, HeaderValue)>);

impl Headers {
    fn have(&self, name: &HeaderName) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    fn set(&mut self, name: HeaderName, value: HeaderValue) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, earlier)) => *earlier = value,
            None => self.0.push((name, value)),
        }
    }
}

/// The bytes of a request (RFC 9112, sections 3 and 6). Its length is the body's, whatever its headers say.
fn on_the_wire(method: &Method, asked: &str, mut headers: Headers, body: &[u8]) -> Bytes {
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
