//! One connection, whichever HTTP it speaks.

use std::time::Instant;

use super::fault;
use super::http2::Http2;
use super::request::Message;
use super::stream::Stream;
use super::tcp::Tcp;
use crate::model::answer::TransportFault;
use crate::model::run::HttpVersion;
use crate::probe::http1::{Http1, KeepAlive, Response};
use crate::probe::transport::Received;

/// An open connection.
///
/// What HTTP/2 does is boxed, so that exchanges over HTTP/1.1 need not hold the place for it.
#[derive(Debug)]
pub(super) struct HttpConnection {
    protocol: Protocol,
    /// The local port, where there is one.
    pub(super) port: Option<u32>,
}

#[derive(Debug)]
enum Protocol {
    One(Box<Http1<Stream>>),
    Two(Box<Http2>),
}

impl HttpConnection {
    /// Begins to speak HTTP over a stream.
    pub(super) async fn open(stream: Stream, port: Option<u32>, version: HttpVersion) -> Result<HttpConnection, TransportFault> {
        let protocol = match version {
            HttpVersion::One => Protocol::One(Box::new(Http1::new(stream))),
            HttpVersion::Two => Protocol::Two(Box::new(Box::pin(Http2::open(stream)).await?)),
        };
        Ok(HttpConnection { protocol, port })
    }

    /// Whether another request can be sent; notices what happened while nobody looked.
    pub(super) async fn is_usable(&mut self) -> bool {
        match &mut self.protocol {
            Protocol::One(one) => one.is_usable().await,
            Protocol::Two(two) => Box::pin(two.is_usable()).await,
        }
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(&mut self, message: &Message) -> Result<(), TransportFault> {
        match (&mut self.protocol, message) {
            (Protocol::One(one), Message::One { method, bytes, .. }) => one.send(method, bytes.clone()).await.map_err(fault::of_http1),
            (Protocol::Two(two), Message::Two(request)) => Box::pin(two.send(http::Request::clone(request))).await,
            // Messages and connections are made for the version of the same options.
            _ => Err(TransportFault::Request),
        }
    }

    /// Which rule or limit a broken reply broke, if it was a reply of HTTP/1 at all.
    pub(super) fn broken(&self) -> Option<&'static str> {
        match &self.protocol {
            Protocol::One(one) => one.broken(),
            Protocol::Two(_) => None,
        }
    }

    /// When the last of what has come of the answer had arrived.
    pub(super) fn arrived(&self) -> Instant {
        match &self.protocol {
            Protocol::One(one) => one.stream().tcp().and_then(Tcp::arrived),
            // Which frame came with which packet is known only to hyper.
            Protocol::Two(_) => None,
        }
        .unwrap_or_else(Instant::now)
    }

    /// Waits for the rest of the answer.
    pub(super) async fn receive(&mut self) -> Result<(Received, KeepAlive), TransportFault> {
        match &mut self.protocol {
            Protocol::One(one) => {
                let (Response { status, headers, body }, keep_alive) = one.receive().await.map_err(fault::of_http1)?;
                Ok((Received { http: status, headers, body }, keep_alive))
            }
            Protocol::Two(two) => Box::pin(two.receive()).await,
        }
    }
}
