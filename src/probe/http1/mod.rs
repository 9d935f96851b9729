//! HTTP/1.1 on one connection: one request, its reply, and perhaps the next. It knows nothing of jobs, scenarios or logs.
//!
//! Our own, for one reason: it holds ten thousand open connections in a fifth of the memory that hyper takes, and sends a third
//! more requests per second (`docs/decisions/009-own-http1.md`). hyper is the oracle of its tests. Nothing is added here that the measuring
//! does not need; everything else goes through hyper or reqwest.
//!
//! The connection is driven by whoever waits for an answer on it, so that it costs neither a task nor a wake-up between two
//! tasks. It holds no buffers while it waits: ten thousand open connections cost little more than their sockets.

pub(super) mod events;
mod request;
mod response;

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::{HeaderMap, Method};
use response::ResponseParser;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(super) use request::{Headers, encode};
pub(super) use response::{Failure, LARGEST_HEAD};

/// The largest body that is read; the rest of a larger one is not, and the exchange counts as failed.
pub(super) const LARGEST_BODY: usize = 1024 * 1024;

/// What one read may bring.
const BUFFER: usize = 32 * 1024;

thread_local! {
    /// Where every read of a thread puts its bytes, which are taken from there before anybody else reads.
    static BYTES: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// A complete reply.
#[derive(Debug, Clone)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why an exchange failed.
#[derive(Debug)]
pub(super) enum Error {
    /// The stream could not be read or written.
    Stream(io::Error),
    /// The reply is none that can be read.
    Reply(Failure),
}

/// What a connection is good for after an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeepAlive {
    /// It can carry another one.
    Open,
    /// Peer or protocol ended it.
    Closed,
}

/// A connection over a stream of bytes.
#[derive(Debug)]
pub(super) struct Http1<S> {
    stream: S,
    /// What of the request has not left yet.
    unsent: Bytes,
    flushed: bool,
    parser: ResponseParser,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Http1<S> {
    /// A connection that has carried nothing.
    pub(super) fn new(stream: S) -> Http1<S> {
        Http1 { stream, unsent: Bytes::new(), flushed: true, parser: ResponseParser::of(&Method::GET) }
    }

    /// Whether another request can be sent; notices what happened while nobody looked.
    pub(super) async fn is_usable(&mut self) -> bool {
        // Whatever came meanwhile, a goodbye or an answer that nobody asked for, ends the connection.
        std::future::poll_fn(|cx| Poll::Ready(poll_read(&mut self.stream, cx, |_| ()).is_pending())).await
    }

    /// Sends a request, as it goes over the wire, and waits for the head of its answer.
    pub(super) async fn send(&mut self, method: &Method, request: Bytes) -> Result<(), Error> {
        self.unsent = request;
        self.flushed = false;
        self.parser = ResponseParser::of(method);
        std::future::poll_fn(|cx| self.poll_until(cx, ResponseParser::has_head)).await
    }

    /// Which rule or limit a broken reply broke, if it was a reply of HTTP/1 at all.
    pub(super) fn broken(&self) -> Option<&'static str> {
        self.parser.broken()
    }

    /// What it reads from and writes to.
    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    /// Waits for the rest of the answer.
    pub(super) async fn receive(&mut self) -> Result<(Response, KeepAlive), Error> {
        std::future::poll_fn(|cx| self.poll_until(cx, ResponseParser::is_whole)).await?;
        let parser = std::mem::replace(&mut self.parser, ResponseParser::of(&Method::GET));
        let keep_alive = if parser.persists() && self.flushed { KeepAlive::Open } else { KeepAlive::Closed };
        // It is whole, as was waited for.
        parser.into_response().map(|response| (response, keep_alive)).ok_or(Error::Reply(Failure::Closed))
    }

    /// Writes and reads until enough has come. An answer counts even if its request could not be sent to the end: a server may
    /// refuse what it has not read.
    fn poll_until(&mut self, cx: &mut Context<'_>, enough: fn(&ResponseParser) -> bool) -> Poll<Result<(), Error>> {
        let mut unsendable = match self.poll_write(cx) {
            Poll::Ready(Err(error)) => Some(error),
            Poll::Ready(Ok(())) | Poll::Pending => None,
        };
        while !enough(&self.parser) {
            let Http1 { stream, parser, .. } = self;
            let taken = poll_read(stream, cx, |bytes| if bytes.is_empty() { parser.close() } else { parser.take(bytes) });
            match (taken, unsendable.take()) {
                (Poll::Ready(Ok(taken)), error) => {
                    taken.map_err(Error::Reply)?;
                    unsendable = error;
                }
                (Poll::Ready(Err(error)), _) | (Poll::Pending, Some(error)) => return Poll::Ready(Err(Error::Stream(error))),
                (Poll::Pending, None) => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.unsent))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.unsent.advance(written),
            }
        }
        if !self.flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}

/// Reads what there is, and lets it be taken; nothing at all means that the peer sends no more.
fn poll_read<T>(stream: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>, take: impl FnOnce(&[u8]) -> T) -> Poll<io::Result<T>> {
    BYTES.with_borrow_mut(|bytes| {
        let mut room = ReadBuf::new(bytes);
        ready!(Pin::new(stream).poll_read(cx, &mut room))?;
        Poll::Ready(Ok(take(room.filled())))
    })
}
