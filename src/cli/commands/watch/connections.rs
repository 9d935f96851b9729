//! Serves a page to its readers, a bounded number at a time and each for a bounded time.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::run::connections;

/// What readers may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// A request must have come within this time.
    head: Duration,
    /// A reader must have the whole answer within this time.
    whole: Duration,
    /// So many readers at a time; others wait in the system's queue.
    most: usize,
}

/// The page's share of the descriptors that the process may have: the rest is for the probe and its logs.
const SHARE: usize = 8;

/// Serves until `stopped`, and then until the readers that are there have their answers.
pub(super) async fn serve(listener: TcpListener, app: Router, limits: Limits, stopped: oneshot::Receiver<()>) {
    // A dropped sender means the same as a sent stop.
    let mut readers = connections::accept(listener, limits.most, stopped, |stream| answer(stream, app.clone(), limits)).await;
    while readers.join_next().await.is_some() {}
}

/// One request and its answer. The connection is not kept: a page that is looked at once a minute gains nothing by it.
async fn answer(stream: TcpStream, app: Router, limits: Limits) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(limits.head).keep_alive(false);
    let served = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    // What became of a reader is its own affair.
    let _ = tokio::time::timeout(limits.whole, served).await;
}

impl Limits {
    /// Those of a page, in a process that may have so many descriptors.
    pub(super) fn usual() -> Limits {
        let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let share = descriptors.and_then(|limit| usize::try_from(limit).ok()).map_or(MOST, |limit| limit / SHARE);
        Limits { head: Duration::from_secs(2), whole: Duration::from_secs(30), most: share.clamp(1, MOST) }
    }
}

/// More readers than that are served one after the other.
const MOST: usize = 32;

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn readers_that_never_say_what_they_want_do_not_keep_others_from_the_page() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let limits = Limits { head: Duration::from_millis(50), whole: Duration::from_secs(20), most: 3 };
        let app = Router::new().route("/", get(|| async { "the page" }));
        let serving = tokio::spawn(serve(listener, app, limits, stopped));
        let mut silent = Vec::new();
        for place in 0..20 {
            let mut reader = TcpStream::connect(address).await.expect("a connection");
            if place % 2 == 0 {
                reader.write_all(b"GET / HTTP/1.1\r\nHo").await.expect("half a head");
            }
            silent.push(reader);
        }
        let mut reader = TcpStream::connect(address).await.expect("a connection");
        reader.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("a request");
        let mut answer = String::new();
        reader.read_to_string(&mut answer).await.expect("an answer, and the end of the connection");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("the page"), "{answer}");
        for mut reader in silent {
            let mut rest = Vec::new();
            // An end or a reset: either closes it.
            let _ = reader.read_to_end(&mut rest).await;
            assert!(!rest.starts_with(b"HTTP/1.1 200"), "nobody asked for it");
        }
        stop.send(()).expect("somebody listens");
        serving.await.expect("no panic");
    }
}
