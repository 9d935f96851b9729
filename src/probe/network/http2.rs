//! HTTP/2 on one connection, by hyper: one exchange after the other, as the lanes have it.

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::fault;
use super::stream::Stream;
use crate::model::answer::TransportFault;
use crate::probe::http1::{KeepAlive, LARGEST_BODY, LARGEST_HEAD, events};
use crate::probe::transport::Received;

/// A connection.
#[derive(Debug)]
pub(super) struct Http2 {
    sender: http2::SendRequest<Full<Bytes>>,
    /// The answer whose body is not read yet.
    answer: Option<Response<Incoming>>,
}

impl Http2 {
    /// Begins to speak over a stream.
    pub(super) async fn open(stream: Stream) -> Result<Http2, TransportFault> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.max_header_list_size(LARGEST_HEAD as u32);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| fault::of_exchange(&error))?;
        // It ends when the last sender is gone; its error reaches whoever waits for an answer.
        tokio::spawn(connection);
        Ok(Http2 { sender, answer: None })
    }

    /// Whether another request can be sent.
    pub(super) async fn is_usable(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<(), TransportFault> {
        self.answer = Some(self.sender.send_request(request).await.map_err(|error| fault::of_exchange(&error))?);
        Ok(())
    }

    /// Waits for the rest of the answer: its body to the end, or to the bound.
    pub(super) async fn receive(&mut self) -> Result<(Received, KeepAlive), TransportFault> {
        let (head, mut body) = self.answer.take().ok_or(TransportFault::Closed)?.into_parts();
        if body.size_hint().lower() > LARGEST_BODY as u64 {
            return Err(TransportFault::TooLarge);
        }
        let is_stream = events::is_stream(&head.headers);
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame.map_err(|error| fault::of_exchange(&error))?.into_data() else { continue };
            if whole.len() + chunk.len() > LARGEST_BODY {
                return Err(TransportFault::TooLarge);
            }
            whole.extend_from_slice(&chunk);
            // A stream of events has no end: its first one is the answer.
            if is_stream && events::end_of_first(&whole).is_some() {
                break;
            }
        }
        Ok((Received { http: head.status.as_u16(), headers: head.headers, body: whole.freeze() }, KeepAlive::Open))
    }
}
