//! Accepts connections, a bounded number at a time: `axum::serve` has no such limit, and no time by which a request must have come. Peers
//! that connect and say nothing would stay for ever, until this process has no file descriptor left for its logs.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How long to wait when the system has nothing left to accept a connection with.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers those who connect until `stop` is over; `most` at a time, others wait in the system's queue, where they take no descriptor of
/// this process. Nobody listens any more when it returns; what comes back are those that still have no answer, who are cut off when it is
/// dropped.
pub(crate) async fn accept<A: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    most: usize,
    stop: impl Future,
    answer: impl Fn(TcpStream) -> A,
) -> JoinSet<()> {
    let room = Arc::new(Semaphore::new(most));
    let mut peers = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (listener.accept().await, place)
        };
        tokio::select! {
            _ = &mut stop => return peers,
            Some(_) = peers.join_next() => {}
            (accepted, place) = next => match accepted {
                Ok((stream, _)) => {
                    let answered = answer(stream);
                    peers.spawn(async move {
                        answered.await;
                        drop(place);
                    });
                }
                // A peer that went away before it was accepted, or no descriptor left: neither is the end.
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
        }
    }
}
