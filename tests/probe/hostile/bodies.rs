//! Bodies that cannot be read, or not without harm.

use super::cases::{Case, Inconclusive, Malformed, Pass, TooLarge, Visible, check};
use super::wire::{Act, reply};

fn ok(body: impl AsRef<[u8]>) -> Act {
    Act::Say(reply("200 OK", "Content-Type: application/json\r\n", body.as_ref()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_read_is_no_sign_that_a_job_is_there() {
    let utf16: Vec<u8> = r#"{"state":"busy"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(vec![
        Case::poll("nothing", ok(""), Malformed, Inconclusive),
        Case::poll("a list in a list, 100,000 deep", ok("[".repeat(100_000)), Malformed, Inconclusive),
        Case::poll("objects 100,000 deep", ok("{\"state\":".repeat(100_000)), Malformed, Inconclusive),
        Case::poll("bytes that are not text", ok(b"{\"state\":\"b\xff\xfesy\"}"), Malformed, Inconclusive),
        Case::poll("UTF-16", ok(utf16), Malformed, Inconclusive),
        Case::poll("half of a surrogate pair", ok(r#"{"state":"\ud800"}"#), Malformed, Inconclusive),
        Case::poll("a number beyond all numbers", ok(r#"{"state":1e999}"#), Malformed, Inconclusive),
        Case::poll("two answers in one body", ok(r#"{"state":"busy"}{"state":"done"}"#), Malformed, Inconclusive),
        Case::poll("zero bytes", ok([0; 1000]), Malformed, Inconclusive),
        Case::poll("a page", ok("<html>please log in</html>"), Malformed, Inconclusive),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_strange_and_can_be_read_is_an_answer() {
    let million = format!(r#"{{"state":"{}"}}"#, "x".repeat(1_000_000));
    let many = format!(r#"{{"state":"busy","more":[{}0]}}"#, "0,".repeat(500_000));
    check(vec![
        Case::poll("a mark of the byte order before it", ok("\u{feff}{\"state\":\"busy\"}"), Visible, Pass),
        Case::poll("the same key twice", ok(r#"{"state":"lost","state":"busy"}"#), Visible, Pass),
        Case::poll("a state of a million letters", ok(million), Visible, Pass),
        Case::poll("half a million numbers beside it", ok(many), Visible, Pass),
        Case::poll("a state that is a list", ok(r#"{"state":["busy"]}"#), Visible, Pass),
        Case::poll("a state that steers terminals", ok("{\"state\":\"\\u001b[2J\\u0007\\u0000\\u202e\"}"), Visible, Pass),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_neither_unpacked_nor_read_beyond_its_bound() {
    let packed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03";
    let zeros = [vec![0; 490], b"\r\n".to_vec()].concat();
    let chunk = [b"1f4\r\n".to_vec(), vec![0; 500], b"\r\n".to_vec()].concat();
    check(vec![
        Case::poll("a bomb of gzip", Act::Flood([packed.to_vec(), zeros].concat(), chunk.repeat(100)), TooLarge, Inconclusive),
        Case::poll("a body without an end", Act::Flood(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 1 << 16]), TooLarge, Inconclusive)
            .by_code(),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_targets_clock_and_headers_that_come_twice_decide_nothing() {
    let with = |headers: &str| Act::Say(reply("200 OK", headers, br#"{"state":"busy"}"#));
    check(vec![
        Case::poll("1970", with("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nAge: 1800000000\r\n"), Visible, Pass),
        Case::poll("9999", with("Date: Fri, 31 Dec 9999 23:59:59 GMT\r\nAge: -1\r\n"), Visible, Pass),
        Case::poll("no time at all", with("Date: yesterday\r\nDate: tomorrow\r\nAge: 99999999999999999999\r\n"), Visible, Pass),
        Case::poll(
            "headers twice",
            with("X-Worker: a\r\nX-Worker: b\r\nContent-Type: a\r\nContent-Type: b\r\nX-Cache: HIT\r\nX-Cache: MISS\r\n"),
            Visible,
            Pass,
        ),
    ])
    .await;
}
