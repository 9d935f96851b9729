//! The same service on a real socket.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Sends one request on an open connection and reads headers and body.
async fn exchange(stream: &mut TcpStream, method: &str, path: &str) -> String {
    let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice-token\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.expect("the server answers");
        answer.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|length| length.parse().ok());
            if read == 0 || length.is_some_and(|length: usize| body.len() >= length) {
                return text;
            }
        }
        assert!(read > 0, "the connection ended early: {text}");
    }
}

#[tokio::test]
async fn connections_are_spread_over_workers_and_a_signal_ends_the_service() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let service = Service::open(settings("sound", &[("workers", "2")])).await.expect("the service opens");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(service.serve(listener, async {
        let _ = stopped.await;
    }));
    let mut first = TcpStream::connect(address).await.expect("a connection");
    let mut second = TcpStream::connect(address).await.expect("a connection");
    let posted = exchange(&mut first, "POST", "/api/v1/opportunities/discover").await;
    assert!(posted.starts_with("HTTP/1.1 200"), "{posted}");
    let mut workers = std::collections::BTreeSet::new();
    for stream in [&mut first, &mut second] {
        for _ in 0..3 {
            let health = exchange(stream, "GET", "/health").await;
            workers.insert((
                stream.local_addr().expect("an address"),
                health.lines().find(|line| line.starts_with("x-worker")).map(str::to_owned),
            ));
        }
    }
    assert_eq!(workers.len(), 2, "each connection keeps its worker: {workers:?}");
    let refused = exchange(&mut second, "DELETE", "/health").await;
    assert!(refused.starts_with("HTTP/1.1 405") && refused.contains("allow: GET"), "{refused}");
    stop.send(()).expect("the server still runs");
    tokio::time::timeout(Duration::from_secs(4), server)
        .await
        .expect("idle connections do not hold the service up")
        .expect("the server does not panic")
        .expect("serving succeeds");
}
