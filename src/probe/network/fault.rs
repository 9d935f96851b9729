//! Which kind of failure an error is, by the errors behind it.

use std::error::Error;
use std::io;
use std::io::ErrorKind as Kind;

use crate::model::answer::TransportFault;
use crate::probe::http1::{Error as Http1Error, Failure};

/// What a failed exchange on an open connection is called.
pub(super) fn of_exchange(error: &hyper::Error) -> TransportFault {
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() || error.is_body_write_aborted() {
        return TransportFault::Closed;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return of_stream(io);
        }
        source = cause.source();
    }
    TransportFault::Protocol
}

/// What a failed exchange over HTTP/1.1 is called.
pub(super) fn of_http1(error: Http1Error) -> TransportFault {
    match error {
        Http1Error::Stream(error) => of_stream(&error),
        Http1Error::Reply(Failure::Closed) => TransportFault::Closed,
        Http1Error::Reply(Failure::Malformed) => TransportFault::Protocol,
        Http1Error::Reply(Failure::TooLarge) => TransportFault::TooLarge,
    }
}

/// What a failed read or write is called.
pub(super) fn of_stream(error: &io::Error) -> TransportFault {
    match error.kind() {
        _ if is_tls(error) => TransportFault::Tls,
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof | Kind::WriteZero => {
            TransportFault::Closed
        }
        _ => TransportFault::Protocol,
    }
}

/// Whether an error of a stream is one of TLS.
fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>)
}
