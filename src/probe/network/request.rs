//! A request, made ready for the wire before its time has come.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use http::uri::Uri;
use http::{Method, Version};
use http_body_util::Full;

use super::destination::{Asked, Destination};
use crate::model::run::HttpVersion;
use crate::model::trace::SpanId;
use crate::probe::http1::{self, Headers};
use crate::probe::trace_ids::{self, TRACEPARENT, TraceIds};
use crate::probe::transport::{AsSent, Unsendable};
use crate::target::Request;

/// A request with everything that does not depend on when it is sent.
#[derive(Debug, Clone)]
pub(crate) struct NetworkRequest {
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

impl NetworkRequest {
    /// A request for what is asked by way of `to`; `usual` are the headers that go along unless the request has its own.
    pub(super) fn new(
        request: Request,
        asked: Asked,
        to: Arc<Destination>,
        version: HttpVersion,
        usual: &[(HeaderName, HeaderValue)],
    ) -> Result<NetworkRequest, Unsendable> {
        let mut headers = Headers::with_capacity(request.headers.len() + usual.len() + 3);
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
                    Some(_) => http1::encode(&request.method, &address(&request.url)?.to_string(), headers, &request.body),
                    None => http1::encode(&request.method, asked.path.as_str(), headers, &request.body),
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
                *message.headers_mut() = headers.into_map();
                Message::Two(Box::new(message))
            }
        };
        Ok(NetworkRequest { to, message })
    }
}

impl NetworkRequest {
    /// The same with the next ids, where it has room for them: a target file may have a `traceparent` of its own.
    pub(crate) fn traced(&self, ids: &TraceIds) -> Option<(NetworkRequest, SpanId)> {
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
        Some((NetworkRequest { to: Arc::clone(&self.to), message }, own))
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
