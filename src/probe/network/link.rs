//! One HTTP connection, and the exchanges on it.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::fault;
use super::stream::Stream;
use crate::model::answer::TransportFault;
use crate::model::run::HttpVersion;
use crate::probe::transport::LARGEST_BODY;

/// The largest head of a reply that is read; a larger one is broken HTTP.
const LARGEST_HEAD: u32 = 64 * 1024;

/// An open connection.
pub(super) struct Link {
    protocol: Protocol,
    /// The local port, where there is one.
    pub(super) port: Option<u32>,
}

enum Protocol {
    One(Box<One>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// HTTP/1.1: the connection is driven by whoever waits for an answer on it, so that it costs neither a task nor a wake-up
/// between two tasks. While nobody does, nothing happens on it.
struct One {
    sender: http1::SendRequest<Full<Bytes>>,
    connection: http1::Connection<TokioIo<Stream>, Full<Bytes>>,
    /// A connection that has ended must not be driven any more.
    ended: bool,
}

impl Link {
    /// Begins to speak HTTP over a stream.
    pub(super) async fn open(stream: Stream, port: Option<u32>, version: HttpVersion) -> Result<Link, TransportFault> {
        let protocol = match version {
            HttpVersion::One => {
                let mut builder = http1::Builder::new();
                builder.max_header_size(LARGEST_HEAD as usize);
                let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| fault::of_exchange(&error))?;
                Protocol::One(Box::new(One { sender, connection, ended: false }))
            }
            HttpVersion::Two => {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                builder.max_header_list_size(LARGEST_HEAD);
                let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| fault::of_exchange(&error))?;
                // It ends when the last sender is gone; its error reaches whoever waits for an answer.
                tokio::spawn(connection);
                Protocol::Two(sender)
            }
        };
        Ok(Link { protocol, port })
    }

    /// Whether another request can be sent; notices what happened while nobody looked.
    pub(super) async fn is_usable(&mut self) -> bool {
        match &mut self.protocol {
            Protocol::One(one) => one.is_ready().await,
            Protocol::Two(sender) => sender.ready().await.is_ok(),
        }
    }

    /// Sends a request; the answer's head.
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, TransportFault> {
        let response = match &mut self.protocol {
            Protocol::One(one) => {
                let response = one.sender.send_request(request);
                one.drive(response).await
            }
            Protocol::Two(sender) => sender.send_request(request).await,
        };
        response.map_err(|error| fault::of_exchange(&error))
    }

    /// Reads a body to its end, or to the bound.
    pub(super) async fn read(&mut self, mut body: Incoming) -> Result<Bytes, TransportFault> {
        if body.size_hint().lower() > LARGEST_BODY as u64 {
            return Err(TransportFault::TooLarge);
        }
        let mut first = Bytes::new();
        let mut more = BytesMut::new();
        while !body.is_end_stream() {
            let frame = match &mut self.protocol {
                Protocol::One(one) => one.drive(body.frame()).await,
                Protocol::Two(_) => body.frame().await,
            };
            let Some(frame) = frame else { break };
            let Ok(chunk) = frame.map_err(|error| fault::of_exchange(&error))?.into_data() else { continue };
            if first.len() + more.len() + chunk.len() > LARGEST_BODY {
                return Err(TransportFault::TooLarge);
            }
            // Most bodies come in one piece, which need not be copied.
            if first.is_empty() {
                first = chunk;
            } else {
                more.extend_from_slice(&chunk);
            }
        }
        if more.is_empty() {
            return Ok(first);
        }
        let mut whole = BytesMut::with_capacity(first.len() + more.len());
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&more);
        Ok(whole.freeze())
    }
}

impl One {
    async fn is_ready(&mut self) -> bool {
        // The connection is driven once, so that a peer's goodbye is read before the next request is sent after it.
        std::future::poll_fn(|cx| {
            self.advance(cx);
            Poll::Ready(())
        })
        .await;
        if self.ended {
            return false;
        }
        let One { sender, connection, ended } = self;
        drive(connection, ended, sender.ready()).await.is_ok()
    }

    async fn drive<F: Future>(&mut self, waiting: F) -> F::Output {
        drive(&mut self.connection, &mut self.ended, waiting).await
    }

    fn advance(&mut self, cx: &mut Context<'_>) {
        // What the connection failed with is told to whoever waits for an answer.
        self.ended = self.ended || Pin::new(&mut self.connection).poll(cx).is_ready();
    }
}

/// Waits for something that only the connection can bring about, and lets the connection do it.
///
/// Nothing but the connection wakes this task: what waits is asked again whenever the connection was driven, so its own wakers
/// would only schedule the task once more for nothing.
async fn drive<F: Future>(connection: &mut http1::Connection<TokioIo<Stream>, Full<Bytes>>, ended: &mut bool, waiting: F) -> F::Output {
    let mut waiting = pin!(waiting);
    std::future::poll_fn(|cx| {
        let mut unheard = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = waiting.as_mut().poll(&mut unheard) {
            return Poll::Ready(output);
        }
        *ended = *ended || Pin::new(&mut *connection).poll(cx).is_ready();
        waiting.as_mut().poll(&mut unheard)
    })
    .await
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("port", &self.port).finish_non_exhaustive()
    }
}
