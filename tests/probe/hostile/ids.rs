//! Ids that nobody expects: each is asked for as it was given, or not at all.

use percent_encoding::percent_decode_str;
use serde_json::json;
use statusgap::model::exchange::Kind;

use super::cases::{Accepted, Case, Fail, Inconclusive, Malformed, NotFound, Pass, Request, TooLarge, Visible, check};
use super::wire::{Act, Asked, Script, denied, reply};

const WITH_ECHO: &str = "path = '/jobs/{id}'\nstate = { pointer = '/state' }\necho = { pointer = '/id' }";

/// A service that hands out this id, and knows it and no other.
fn knows(id: &str) -> Script {
    let id = id.to_owned();
    Script::new(move |asked: &Asked| {
        if asked.is_initiate() {
            return Act::Say(reply("202 Accepted", "", json!({ "id": id }).to_string().as_bytes()));
        }
        let named = percent_decode_str(asked.id()).decode_utf8_lossy();
        if named == id.as_str() {
            Act::Say(reply("200 OK", "", json!({ "state": "busy", "id": id }).to_string().as_bytes()))
        } else {
            denied()
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_any_characters_is_asked_for_as_it_was_given() {
    let ids = [
        "a b",
        " a ",
        "a/b",
        "/",
        "../etc/passwd",
        "...",
        "a?b=c",
        "a#b",
        "a%2Fb",
        "%",
        "%zz",
        "%00",
        "a&b=c;d",
        "a+b",
        "a\\b",
        "a\"b'c`d",
        "{id}",
        "${HOME}",
        "<script>alert(1)</script>",
        "a|b",
        "a\nb",
        "a\r\nX-Injected: yes",
        "a\u{0}b",
        "\u{7f}",
        "\u{1b}[31mred",
        "naïve",
        "日本語",
        "🦀",
        "e\u{301}",
        "\u{202e}evil",
        "\u{feff}",
        "\u{2028}",
        "null",
        "true",
        "0",
        "-1",
        "~",
        "~0~1",
        "a:b",
        "@",
        "*",
        "; rm -rf /",
        "$(reboot)",
        "' OR 1=1 --",
        "[0]",
        "a,b",
    ];
    check(ids.iter().map(|id| Case::new(format!("{id:?}"), knows(id), Visible, Pass).with_status(WITH_ECHO)).collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_cannot_be_asked_for_is_not_asked_for() {
    let unsendable = |name: &str, id: &str| Case::new(name, knows(id), Request, Inconclusive).with_status(WITH_ECHO);
    check(vec![
        // An address parser would drop these, and the list of all jobs would be asked for.
        unsendable("a dot", "."),
        unsendable("two dots", ".."),
        unsendable("an id of 60,000 letters that take six characters each", &"é".repeat(30_000)),
        Case::new("an id of 60,000 letters", knows(&"x".repeat(60_000)), Visible, Pass).with_status(WITH_ECHO),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_id_starts_no_scan() {
    let handed = |body: String| Act::Say(reply("202 Accepted", "", body.as_bytes()));
    let cases = [
        ("an id of 1 MiB", format!(r#"{{"id":"{}"}}"#, "x".repeat(1 << 20)), TooLarge.into()),
        ("an id of 900,000 letters", format!(r#"{{"id":"{}"}}"#, "x".repeat(900_000)), Malformed.into()),
        // Read as a double, it would be another id, and that one is not there.
        ("a number of 25 digits", r#"{"id":1234567890123456789012345}"#.to_owned(), Malformed.into()),
        ("a number beyond all numbers", r#"{"id":1e400}"#.to_owned(), Malformed.into()),
        ("a list", r#"{"id":["j-1"]}"#.to_owned(), Malformed.into()),
        ("null", r#"{"id":null}"#.to_owned(), Malformed.into()),
    ];
    let cases = cases
        .into_iter()
        .map(|(name, body, bucket): (_, _, super::cases::Bucket)| Case::initiate(name, handed(body), bucket, Inconclusive));
    let bytes = b"HTTP/1.1 202 Accepted\r\nX-Id: caf\xe9\r\nContent-Length: 0\r\n\r\n".to_vec();
    let in_header =
        Case::initiate("bytes that are not text", Act::Say(bytes), Malformed, Inconclusive).with_initiate("id = { header = 'X-Id' }");
    let twice = Act::Say(reply("202 Accepted", "X-Id: j-1\r\nX-Id: j-2\r\n", b""));
    let twice = Case::initiate("the header twice: the first one", twice, Accepted, Pass).with_initiate("id = { header = 'X-Id' }");
    check(cases.chain([in_header, twice]).collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_numbers_are_asked_for_digit_by_digit() {
    for number in ["0", "-7", "9007199254740993", "18446744073709551615"] {
        let script = Script::new(move |asked: &Asked| {
            if asked.is_initiate() {
                Act::Say(reply("202 Accepted", "", format!(r#"{{"id":{number}}}"#).as_bytes()))
            } else if asked.id() == number {
                Act::Say(reply("200 OK", "", br#"{"state":"busy"}"#))
            } else {
                denied()
            }
        });
        check(vec![Case::new(number, script, Visible, Pass)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_repeat_and_answers_about_another_job_are_told_from_each_other() {
    let other = Script::new(|asked| match asked {
        asked if asked.is_initiate() => Act::Say(reply("202 Accepted", "", format!(r#"{{"id":"j-{}"}}"#, asked.nth).as_bytes())),
        asked if asked.is_control() => denied(),
        // Each is answered with the job before it.
        asked => {
            let nth: usize = asked.id().trim_start_matches("j-").parse().unwrap_or_default();
            Act::Say(reply("200 OK", "", format!(r#"{{"state":"busy","id":"j-{}"}}"#, nth.saturating_sub(1)).as_bytes()))
        }
    });
    let constant = Script::about_polls(|_| Act::Say(reply("200 OK", "", br#"{"state":"busy","id":"j-2"}"#)));
    let alternating = Script::about_polls(|asked| if asked.nth == 1 { denied() } else { super::wire::busy() });
    check(vec![
        Case::new("ids that repeat", Script::about_polls(|_| super::wire::busy()), Visible, Inconclusive).with_scans(4),
        Case::new("an answer about another job", other, Visible, Fail).with_status(WITH_ECHO).with_scans(4),
        Case::new("a place that never holds an id of the run", constant, Visible, Pass).with_status(WITH_ECHO),
        Case::new(
            "everything is known",
            Script::new(|asked| if asked.is_initiate() { super::wire::accepted() } else { super::wire::busy() }),
            Visible,
            Inconclusive,
        ),
        Case::new("a denial after it was seen", alternating, NotFound, Fail).looking_at(Kind::UnknownPoll),
    ])
    .await;
}
