//! Connections that are refused, lost, or never come about.

use std::net::SocketAddr;

use statusgap::model::exchange::Kind;
use tokio::net::{TcpSocket, TcpStream};

use super::cases::{Case, Closed, Connect, ConnectTimeout, Inconclusive, Pass, Protocol, Resolve, Tls, Visible, check, check_at};
use super::wire::{Act, Script, Server, busy, reply};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_is_no_answer() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"sta".to_vec();
    check(vec![
        Case::new("closed at once", Script::about_connections(Act::Last(Vec::new())), Closed, Inconclusive),
        Case::new("reset at once", Script::about_connections(Act::Reset(Vec::new())), Closed, Inconclusive).or(Connect, Inconclusive),
        Case::poll("reset instead of an answer", Act::Reset(Vec::new()), Closed, Inconclusive),
        Case::poll("reset within the head", Act::Reset(b"HTTP/1.1 200 O".to_vec()), Closed, Inconclusive),
        Case::poll("reset within the body", Act::Reset(head.clone()), Closed, Inconclusive),
        Case::poll("closed within the body", Act::Last(head), Closed, Inconclusive),
        Case::initiate("an initiate that is cut off", Act::Reset(b"HTTP/1.1 202 Acc".to_vec()), Closed, Inconclusive),
        Case::poll("closed after every answer", Act::Last(reply("200 OK", "", br#"{"state":"busy"}"#)), Visible, Pass)
            .on_a_kept_connection()
            .or(Closed, Inconclusive),
        Case::poll(
            "closed after every answer, and told so",
            Act::Last(reply("200 OK", "Connection: close\r\n", br#"{"state":"busy"}"#)),
            Visible,
            Pass,
        )
        .on_a_kept_connection(),
        Case::poll("an answer in the tongue of TLS", Act::Last(b"\x15\x03\x03\x00\x02\x02\x28".to_vec()), Protocol, Inconclusive),
    ])
    .await;
}

/// The target is asked as a case that would pass, at an address where something else is.
fn at_the_wrong_place(name: &str, bucket: statusgap::model::answer::TransportFault) -> Case {
    Case::poll(name, busy(), bucket, Inconclusive).looking_at(Kind::UnknownPoll)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_knows_ends_the_run_before_its_load() {
    // A label has at most 63 letters (RFC 1035, section 2.3.4), so no resolver asks anybody.
    let base_url = format!("http://{}.invalid", "x".repeat(70));
    check_at(&at_the_wrong_place("no such name", Resolve), &base_url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_connections_is_one_that_cannot_be_reached() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
    let listener = socket.listen(1).expect("a listener");
    let address = listener.local_addr().expect("an address");
    // Nobody accepts; once the queue is full, the kernel answers nobody any more.
    let waiting: Vec<_> = (0..8).map(|_| tokio::spawn(TcpStream::connect(address))).collect();
    tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while waiting.iter().filter(|connecting| connecting.is_finished()).count() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the queue takes the first ones");
    check_at(&at_the_wrong_place("a full queue", ConnectTimeout).hasty(), &format!("http://{address}")).await;
    drop((waiting, listener));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_speak_tls_is_told_as_that() {
    for (name, act) in [
        ("plain HTTP", Act::Last(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec())),
        ("closed within the handshake", Act::Last(Vec::new())),
        ("reset within the handshake", Act::Reset(Vec::new())),
        ("noise", Act::Flood(Vec::new(), vec![0x16; 1 << 14])),
    ] {
        let greet = move |_| Some(act.clone());
        let server = Server::start(Script { greet: std::sync::Arc::new(greet), ..Script::about_polls(|_| busy()) }).await;
        let base_url = server.base_url.replace("http://", "https://");
        check_at(&at_the_wrong_place(name, Tls).or(Connect, Inconclusive), &base_url).await;
    }
}
