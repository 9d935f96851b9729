//! HTTP/1.1 on one connection: one request, its reply, and perhaps the next.
//!
//! The connection is driven by whoever waits for an answer on it, so that it costs neither a task nor a wake-up between two
//! tasks. It holds no buffers while it waits: ten thousand open connections cost little more than their sockets.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Buf, Bytes};
use http::Method;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::fault;
use super::link::Onward;
use super::reply::Reading;
use super::stream::Stream;
use super::tcp::Tcp;
use crate::model::answer::TransportFault;
use crate::probe::transport::Received;

/// What one read may bring.
const BUFFER: usize = 32 * 1024;

thread_local! {
    /// Where every read of a thread puts its bytes, which are taken from there before anybody else reads.
    static BYTES: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// A connection.
#[derive(Debug)]
pub(super) struct Http1 {
    stream: Stream,
    /// What of the request has not left yet.
    unsent: Bytes,
    flushed: bool,
    reading: Reading,
}

impl Http1 {
    /// A connection that has carried nothing.
    pub(super) fn new(stream: Stream) -> Http1 {
        Http1 { stream, unsent: Bytes::new(), flushed: true, reading: Reading::of(&Method::GET) }
    }

    /// Whether another request can be sent; notices what happened while nobody looked.
    pub(super) async fn is_usable(&mut self) -> bool {
        // Whatever came meanwhile, a goodbye or an answer that nobody asked for, ends the connection.
        std::future::poll_fn(|cx| Poll::Ready(poll_read(&mut self.stream, cx, |_| ()).is_pending())).await
    }

    /// Sends a request, as it goes over the wire, and waits for the head of its answer.
    pub(super) async fn send(&mut self, method: &Method, request: Bytes) -> Result<(), TransportFault> {
        self.unsent = request;
        self.flushed = false;
        self.reading = Reading::of(method);
        std::future::poll_fn(|cx| self.poll_until(cx, Reading::has_head)).await
    }

    /// Which rule or limit a broken reply broke, if it was a reply of HTTP/1 at all.
    pub(super) fn broken(&self) -> Option<&'static str> {
        self.reading.broken()
    }

    /// When the last of what was read had arrived, if that is known.
    pub(super) fn arrived(&self) -> Option<Instant> {
        self.stream.tcp().and_then(Tcp::arrived)
    }

    /// Waits for the rest of the answer.
    pub(super) async fn receive(&mut self) -> Result<(Received, Onward), TransportFault> {
        std::future::poll_fn(|cx| self.poll_until(cx, Reading::is_whole)).await?;
        let reading = std::mem::replace(&mut self.reading, Reading::of(&Method::GET));
        let onward = if reading.persists() && self.flushed { Onward::Open } else { Onward::Over };
        // It is whole, as was waited for.
        reading.into_received().map(|received| (received, onward)).ok_or(TransportFault::Closed)
    }

    /// Writes and reads until enough has come. An answer counts even if its request could not be sent to the end: a server may
    /// refuse what it has not read.
    fn poll_until(&mut self, cx: &mut Context<'_>, enough: fn(&Reading) -> bool) -> Poll<Result<(), TransportFault>> {
        let unsendable = match self.poll_write(cx) {
            Poll::Ready(Err(error)) => Some(error),
            Poll::Ready(Ok(())) | Poll::Pending => None,
        };
        while !enough(&self.reading) {
            let Http1 { stream, reading, .. } = self;
            let taken = poll_read(stream, cx, |bytes| if bytes.is_empty() { reading.close() } else { reading.take(bytes) });
            match (taken, &unsendable) {
                (Poll::Ready(Ok(taken)), _) => taken?,
                (Poll::Ready(Err(error)), _) => return Poll::Ready(Err(fault::of_stream(&error))),
                (Poll::Pending, Some(error)) => return Poll::Ready(Err(fault::of_stream(error))),
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
fn poll_read<T>(stream: &mut Stream, cx: &mut Context<'_>, take: impl FnOnce(&[u8]) -> T) -> Poll<io::Result<T>> {
    BYTES.with_borrow_mut(|bytes| {
        let mut room = ReadBuf::new(bytes);
        ready!(Pin::new(stream).poll_read(cx, &mut room))?;
        Poll::Ready(Ok(take(room.filled())))
    })
}
