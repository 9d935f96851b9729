//! The receiver against senders that are slow, many, or send more than anybody can hold. Sockets are real; nothing waits for a clock to pass.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::receiver::{LIMITS, Limits, Receiver};
use crate::model::trace::{SpanId, TraceId};
use crate::traces::{Bounds, Keeper};

fn run() -> SpanId {
    SpanId::of_run(1, "r")
}

fn receiver(limits: Limits) -> (Receiver, Arc<Mutex<Keeper>>) {
    let keeper = Arc::new(Mutex::new(Keeper::of_run(run(), Bounds::default())));
    let receiver = Receiver::within(limits, SocketAddr::from(([127, 0, 0, 1], 0)), Arc::clone(&keeper)).expect("a free port");
    (receiver, keeper)
}

/// A request with one span of the run.
fn span(n: u64) -> String {
    let trace = TraceId::joined(run(), SpanId::drawn(1, n));
    format!(
        "{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{{\"traceId\":\"{trace}\",\"spanId\":\"{:016x}\",\"name\":\"work\",\
         \"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\"}}]}}]}}]}}",
        n + 1
    )
}

fn connect(receiver: &Receiver) -> TcpStream {
    TcpStream::connect(receiver.address()).expect("a connection")
}

fn head(length: usize, more: &str) -> String {
    format!(
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n"
    )
}

/// The status of the answer, and 0 where the connection ended without one.
fn status(mut stream: TcpStream) -> u16 {
    let mut answer = Vec::new();
    // An end or a reset: either ends it.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

fn sent(receiver: &Receiver, body: &[u8], more: &str) -> u16 {
    let mut stream = connect(receiver);
    // A request that is refused by its head may be cut off before its end.
    let _ = stream.write_all(head(body.len(), more).as_bytes()).and_then(|()| stream.write_all(body));
    status(stream)
}

#[test]
fn senders_that_never_end_keep_nobody_else_out() {
    let (receiver, keeper) = receiver(Limits { connections: 3, time: Duration::from_millis(50), ..LIMITS });
    let mut slow = Vec::new();
    for n in 0..12 {
        let mut stream = connect(&receiver);
        let begun = [String::new(), "POST /v1/traces HT".to_owned(), head(100, "") + "{"][n % 3].clone();
        stream.write_all(begun.as_bytes()).expect("it is listened to");
        slow.push((n, stream));
    }
    assert_eq!(sent(&receiver, span(1).as_bytes(), ""), 200);
    for (n, stream) in slow {
        assert!([0, 408].contains(&status(stream)), "{n}");
    }
    receiver.close();
    assert_eq!(keeper.lock().expect("no panic").count(), 1);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_there() {
    let (receiver, _) = receiver(Limits { request: 1000, ..LIMITS });
    let mut stream = connect(&receiver);
    stream.write_all(head(1 << 30, "").as_bytes()).expect("it is listened to");
    assert_eq!(status(stream), 413, "nothing but the head was sent");
    // Without a length it is counted as it comes.
    let mut stream = connect(&receiver);
    let chunked = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n";
    let _ = stream.write_all(chunked.as_bytes()).and_then(|()| stream.write_all(&[b' '; 2000]));
    assert_eq!(status(stream), 413);
}

#[test]
fn what_is_on_its_way_has_a_bounded_room_together() {
    let (receiver, keeper) = receiver(Limits { room: 1000, ..LIMITS });
    let mut large = connect(&receiver);
    let body = span(1) + &" ".repeat(700);
    large.write_all(head(body.len(), "").as_bytes()).expect("it is listened to");
    large.write_all(&body.as_bytes()[..body.len() - 1]).expect("it is listened to");
    // Until it has been read, there is room.
    while sent(&receiver, (span(2) + &" ".repeat(300)).as_bytes(), "") != 503 {}
    large.write_all(&body.as_bytes()[body.len() - 1..]).expect("it is listened to");
    assert_eq!(status(large), 200, "whoever was there first is not disturbed");
    assert_eq!(sent(&receiver, span(3).as_bytes(), ""), 200, "the room is given back");
    receiver.close();
    let (spans, _) = keeper.lock().expect("no panic").hand_over(0, |text| text);
    assert!((2..=3).contains(&spans.len()), "{spans:#?}");
}

#[test]
fn requests_that_are_none_are_counted_and_answered() {
    let (receiver, keeper) = receiver(LIMITS);
    for (body, more, expected) in [
        (b"{".as_slice(), "", 400),
        (b"{}", "Content-Encoding: zstd\r\n", 415),
        (b"{}", "Content-Encoding: gzip\r\n", 400),
        (b"{}", "", 200),
        (span(1).as_bytes(), "", 200),
        (span(1).as_bytes(), "", 200),
    ] {
        assert_eq!(sent(&receiver, body, more), expected, "{more}");
    }
    receiver.close();
    let (spans, intake) = keeper.lock().expect("no panic").hand_over(0, |text| text);
    assert_eq!((spans.len(), intake.read, intake.doubled, intake.unreadable), (1, 2, 1, 3));
}
