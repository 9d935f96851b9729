//! HTTP that is none, or not quite.

use super::cases::{Case, Closed, Inconclusive, Malformed, Pass, Protocol, Timeout, TooLarge, Visible, check};
use super::wire::{Act, reply};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

fn last(text: &str) -> Act {
    Act::Last(text.as_bytes().to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_does_not_hold_is_never_taken_for_an_answer() {
    const BODY: &str = r#"{"state":"busy"}"#;
    let of_length = |length: &str| say(&format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{BODY}"));
    let mut stuffed = reply("200 OK", "", BODY.as_bytes());
    stuffed.extend(reply("404 Not Found", "", b""));
    check(vec![
        Case::poll("a negative length", of_length("-16"), Protocol, Inconclusive),
        Case::poll("a length that is not a number", of_length("many"), Protocol, Inconclusive),
        Case::poll("a length beyond 64 bits", of_length("99999999999999999999"), Protocol, Inconclusive),
        Case::poll("the longest length that can be said", of_length("18446744073709551613"), TooLarge, Inconclusive),
        Case::poll("two lengths that differ", of_length("16\r\nContent-Length: 17"), Protocol, Inconclusive),
        Case::poll("the same length twice", of_length("16\r\nContent-Length: 16"), Visible, Pass),
        Case::poll("a length of 1 GiB, and silence", Act::Silence(of_head(1 << 30)), TooLarge, Inconclusive),
        Case::poll("a body of 1 GiB", Act::Flood(of_head(1 << 30), vec![b'x'; 1 << 16]), TooLarge, Inconclusive),
        Case::poll("more than was announced", of_length("16\r\nX-More: 1\r\n\r\n{\"state\":\"busy\"}x\r\nX"), Visible, Pass),
        Case::poll(
            "a length and chunks",
            say(&format!("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{BODY}\r\n0\r\n\r\n")),
            Visible,
            Pass,
        ),
        // Read as the answer to the next request, the second one would be a denial that never was.
        Case::poll("two answers to one request", Act::Say(stuffed), Visible, Pass).on_a_kept_connection(),
    ])
    .await;
}

fn of_head(length: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_chunks_are_never_taken_for_an_answer() {
    let chunks = |chunks: &str| format!("{CHUNKED}{chunks}");
    check(vec![
        Case::poll("a size that is not a number", say(&chunks("xyz\r\n{}\r\n0\r\n\r\n")), Protocol, Inconclusive),
        Case::poll("a size beyond 64 bits", say(&chunks("fffffffffffffffff\r\n{}")), Protocol, Inconclusive),
        Case::poll("a chunk longer than its size", say(&chunks("2\r\n{}{}{}\r\n0\r\n\r\n")), Protocol, Inconclusive),
        Case::poll("no last chunk", last(&chunks("10\r\n{\"state\":\"busy\"}\r\n")), Closed, Inconclusive),
        Case::poll("no end after the last chunk", last(&chunks("10\r\n{\"state\":\"busy\"}\r\n0\r\n")), Closed, Inconclusive),
        Case::poll("chunks of a byte", say(&chunks(&one_by_one(r#"{"state":"busy"}"#))), Visible, Pass),
        Case::poll("chunks for ever", Act::Flood(chunks("").into_bytes(), b"1\r\nx\r\n".repeat(10_000)), TooLarge, Inconclusive),
        Case::poll("a chunk's extension for ever", Act::Flood(chunks("1;").into_bytes(), vec![b'x'; 1 << 16]), Protocol, Inconclusive),
        Case::poll(
            "trailers for ever",
            Act::Flood(chunks("2\r\n{}\r\n0\r\n").into_bytes(), b"X: y\r\n".repeat(1000)),
            Protocol,
            Inconclusive,
        ),
        Case::poll(
            "an encoding that nobody knows",
            last("HTTP/1.1 200 OK\r\nTransfer-Encoding: sideways\r\n\r\n}\"ysub\":\"etats\"{"),
            Protocol,
            Inconclusive,
        ),
    ])
    .await;
}

fn one_by_one(text: &str) -> String {
    text.chars().map(|c| format!("1\r\n{c}\r\n")).chain(["0\r\n\r\n".to_owned()]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_none_are_broken_http() {
    const BODY: &str = "Content-Length: 16\r\n\r\n{\"state\":\"busy\"}";
    check(vec![
        Case::poll("no code", say(&format!("HTTP/1.1\r\n{BODY}")), Protocol, Inconclusive),
        Case::poll("code 0", say(&format!("HTTP/1.1 000 Zero\r\n{BODY}")), Protocol, Inconclusive),
        Case::poll("code 20", say(&format!("HTTP/1.1 20 OK\r\n{BODY}")), Protocol, Inconclusive),
        Case::poll("code 999", say(&format!("HTTP/1.1 999 Beyond\r\n{BODY}")), Malformed, Inconclusive),
        Case::poll("no reason", say(&format!("HTTP/1.1 200\r\n{BODY}")), Visible, Pass),
        Case::poll("HTTP/3.0", say(&format!("HTTP/3.0 200 OK\r\n{BODY}")), Protocol, Inconclusive),
        Case::poll("HTTP/1.0 that closes", last(&format!("HTTP/1.0 200 OK\r\n{BODY}")), Visible, Pass),
        Case::poll("HTTP/1.0 that closes a kept connection", last(&format!("HTTP/1.0 200 OK\r\n{BODY}")), Visible, Pass)
            .on_a_kept_connection(),
        Case::poll("HTTP/1.0 without a length", last("HTTP/1.0 200 OK\r\n\r\n{\"state\":\"busy\"}"), Visible, Pass),
        Case::poll("HTTP/0.9", last("{\"state\":\"busy\"}"), Protocol, Inconclusive),
        Case::poll("a header without a colon", say(&format!("HTTP/1.1 200 OK\r\nnonsense\r\n{BODY}")), Protocol, Inconclusive),
        Case::poll("a header's name with a blank", say(&format!("HTTP/1.1 200 OK\r\na b: c\r\n{BODY}")), Protocol, Inconclusive),
        Case::poll("a header with a zero byte", say(&format!("HTTP/1.1 200 OK\r\nX: \0\r\n{BODY}")), Protocol, Inconclusive),
        Case::poll("a header with bytes that are not text", Act::Say(with_bytes(BODY)), Visible, Pass),
        Case::poll("the greeting of a mail server", Act::Silence(b"220 mail.test ESMTP\r\n".to_vec()), Protocol, Inconclusive),
        Case::poll("a head for ever", Act::Flood(b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 1 << 16]), Protocol, Inconclusive),
        Case::poll("zero bytes for ever", Act::Flood(Vec::new(), vec![0; 1 << 16]), Protocol, Inconclusive),
    ])
    .await;
}

fn with_bytes(rest: &str) -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\nX-Worker: \xff\xfe\xe9\r\nVia: \x80\r\n", rest.as_bytes()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_before_the_head_are_passed_over_and_cannot_hold_up_a_run() {
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n";
    let storm = hint.repeat(200) + "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"state\":\"busy\"}";
    check(vec![
        Case::poll("100 and 103 and then an answer", say(&storm.replacen("103 Early Hints", "100 Continue", 50)), Visible, Pass),
        Case::poll("103 for ever", Act::Flood(Vec::new(), hint.repeat(100).into_bytes()), Timeout, Inconclusive).hasty(),
        Case::poll("102 every now and then", Act::Drip(Vec::new(), b"HTTP/1.1 102 Processing\r\n\r\n".to_vec()), Timeout, Inconclusive)
            .hasty(),
        Case::poll(
            "101 to a protocol that nobody asked for",
            say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: irc\r\nConnection: upgrade\r\n\r\n"),
            Malformed,
            Inconclusive,
        )
        .on_a_kept_connection(),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_silent_or_slow_is_given_up_at_the_limit() {
    check(vec![
        Case::poll("no byte", Act::Silence(Vec::new()), Timeout, Inconclusive).hasty(),
        Case::poll("half a head", Act::Silence(b"HTTP/1.1 200 OK\r\nConte".to_vec()), Timeout, Inconclusive).hasty(),
        Case::poll("a head alone", Act::Silence(of_head(16)), Timeout, Inconclusive).hasty(),
        Case::poll("half a body", Act::Silence([of_head(16), b"{\"sta".to_vec()].concat()), Timeout, Inconclusive).hasty(),
        Case::poll("half a chunk", Act::Silence(format!("{CHUNKED}10\r\n{{\"st").into_bytes()), Timeout, Inconclusive).hasty(),
        Case::poll("a head that drips", Act::Drip(b"HTTP/1.1 200 OK\r\nX: ".to_vec(), b"x".to_vec()), Timeout, Inconclusive).hasty(),
        Case::poll("a body that drips", Act::Drip(of_head(100_000), b" ".to_vec()), Timeout, Inconclusive).hasty(),
        Case::initiate("an initiate that is never answered", Act::Silence(Vec::new()), Timeout, Inconclusive).hasty(),
        Case::initiate("an id that drips", Act::Drip(of_head(100_000), b" ".to_vec()), Timeout, Inconclusive).hasty(),
    ])
    .await;
}
