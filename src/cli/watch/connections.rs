//! Accepts a page's readers, a bounded number at a time and each for a bounded time.
//!
//! `axum::serve` has neither limit, and no time by which a request must have come: readers that connect and say nothing would stay for
//! ever, until the watch itself has no file descriptor left for its logs. So the connections are hyper's, accepted here.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

/// A request must have come within this time.
const HEAD: Duration = Duration::from_secs(3);

/// A reader must have the whole answer within this time.
const WHOLE: Duration = Duration::from_secs(30);

/// So many readers at a time; others wait in the system's queue, where they take no descriptor of this process.
const MOST: usize = 32;

/// The page's share of the descriptors that the process may have: the rest is for the probe and its logs.
const SHARE: usize = 8;

/// How long to wait when the system has nothing left to accept a connection with.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves until `stopped`, and then until the readers that are there have their answers.
pub(super) async fn serve(listener: TcpListener, app: Router, mut stopped: oneshot::Receiver<()>) {
    let room = Arc::new(Semaphore::new(most()));
    let mut readers = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (listener.accept().await, place)
        };
        tokio::select! {
            // A dropped sender means the same as a sent stop.
            _ = &mut stopped => break,
            Some(_) = readers.join_next() => {}
            (accepted, place) = next => match accepted {
                Ok((stream, _)) => {
                    let app = app.clone();
                    readers.spawn(async move {
                        answer(stream, app).await;
                        drop(place);
                    });
                }
                // A reader that went away before it was accepted, or no descriptor left: neither ends the watch.
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
        }
    }
    drop(listener);
    while readers.join_next().await.is_some() {}
}

/// One request and its answer. The connection is not kept: a page that is looked at once a minute gains nothing by it.
async fn answer(stream: TcpStream, app: Router) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(false);
    let served = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    // What became of a reader is its own affair.
    let _ = tokio::time::timeout(WHOLE, served).await;
}

/// How many readers there may be at a time.
fn most() -> usize {
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    descriptors.and_then(|limit| usize::try_from(limit).ok()).map_or(MOST, |limit| (limit / SHARE).clamp(1, MOST))
}
