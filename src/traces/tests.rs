//! Formats and what is kept of them, with whatever spans may do on their way: come late, twice, out of order, without parents.

use super::*;
use crate::model::span::SpanKind;
use crate::model::text::Text;
use crate::model::trace::{SpanId, TraceId};

/// What the Python SDK 1.45.2 exported for one `POST /scans` of `fixtures/services/traced/app.py`: protobuf as it was sent, the same as the
/// collector's file exporter would write it (JSON by the specification's mapping), and as Jaeger would answer.
const PROTOBUF: &[u8] = include_bytes!("../../fixtures/traces/python.pb");
const COLLECTOR: &str = include_str!("../../fixtures/traces/collector.json");
const JAEGER: &str = include_str!("../../fixtures/traces/jaeger.json");

fn run() -> SpanId {
    SpanId::of_run(1, "r")
}

fn own(n: u64) -> TraceId {
    TraceId::joined(run(), SpanId::drawn(1, n))
}

/// A span as a line of OTLP in JSON.
fn json(trace: TraceId, span: u64, parent: Option<u64>, links: &[TraceId]) -> String {
    let links: Vec<_> = links.iter().map(|link| serde_json::json!({ "traceId": link, "spanId": "00000000000000ff" })).collect();
    let parent = parent.map(|parent| format!("{parent:016x}")).unwrap_or_default();
    serde_json::json!({ "resourceSpans": [{ "resource": {}, "scopeSpans": [{ "spans": [{
        "traceId": trace, "spanId": format!("{span:016x}"), "parentSpanId": parent, "name": "work", "kind": 1,
        "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000001000", "links": links,
        "attributes": [{ "key": "user.token", "value": { "stringValue": "s3cret" } }, { "key": "code.lineno", "value": { "intValue": "7" } }],
    }] }] }] })
    .to_string()
}

fn keeper(bounds: Bounds) -> Keeper {
    Keeper::of_run(run(), bounds)
}

fn take(keeper: &mut Keeper, text: &str) {
    assert_eq!(read_json(text.as_bytes(), &mut |span| keeper.take_in(span)).expect("OTLP in JSON"), 0);
}

/// The spans of a file, and how many pieces of it could not be read.
fn file(name: &str, bytes: &[u8]) -> (Vec<ReceivedSpan>, u64) {
    let mut spans = Vec::new();
    let unreadable = read_file(name, bytes, &mut |span| spans.push(span)).unwrap_or_else(|why| panic!("{why}"));
    (spans, unreadable)
}

fn refused(bytes: &[u8]) -> String {
    read_file("x.json", bytes, &mut |_| {}).expect_err("no spans").to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// Messages as the collector's file exporter writes them in protobuf.
fn framed(messages: &[&[u8]]) -> Vec<u8> {
    messages.iter().flat_map(|message| [&(message.len() as u32).to_be_bytes(), *message].concat()).collect()
}

#[test]
fn every_format_tells_the_same_spans() {
    let told = |spans: Vec<ReceivedSpan>| {
        let mut told: Vec<_> = spans
            .into_iter()
            // Jaeger keeps whole microseconds.
            .map(|span| (span.trace, span.span, span.parent, span.kind, span.name, span.start / 1000, span.attributes))
            .collect();
        told.sort();
        told
    };
    let mut spans = Vec::new();
    assert_eq!(read_protobuf(PROTOBUF, &mut |span| spans.push(span)).expect("protobuf"), 0);
    let protobuf = told(spans);
    assert!(protobuf.len() >= 4, "{protobuf:#?}");
    let jaeger: serde_json::Value = serde_json::from_str(JAEGER).expect("JSON");
    let wrapped = format!("{{\"result\":{}}}", COLLECTOR.lines().next().expect("a line"));
    for (name, bytes) in [
        ("collector.json", COLLECTOR.as_bytes().to_vec()),
        ("with a byte order mark", format!("\u{feff}{COLLECTOR}").into_bytes()),
        ("gzipped", gzip(COLLECTOR.as_bytes())),
        ("laid out over many lines", pretty(COLLECTOR.lines().next().expect("a line")).into_bytes()),
        ("as an exporter sends it", PROTOBUF.to_vec()),
        ("as the collector writes protobuf", framed(&[PROTOBUF])),
        ("the same, gzipped", gzip(&framed(&[PROTOBUF]))),
        ("jaeger.json", JAEGER.as_bytes().to_vec()),
        ("one line of Jaeger's", jaeger.to_string().into_bytes()),
        ("the list of Jaeger's traces alone", jaeger["data"].to_string().into_bytes()),
        ("Jaeger's newer interface", wrapped.into_bytes()),
    ] {
        let (spans, unreadable) = file(name, &bytes);
        assert_eq!((told(spans), unreadable), (protobuf.clone(), 0), "{name}");
    }
    let (one, _) = file("one of Jaeger's traces alone", jaeger["data"][0].to_string().as_bytes());
    let one = told(one);
    assert!(!one.is_empty() && one.iter().all(|span| protobuf.contains(span)), "{one:#?}");
    let set = protobuf.iter().find(|(.., attributes)| attributes.contains_key("db.system")).expect("a span of Redis");
    assert_eq!((set.3, set.4.as_str()), (SpanKind::Client, "SET"));
    assert!(protobuf.iter().any(|(_, _, _, kind, ..)| *kind == SpanKind::Server));
}

fn pretty(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
    serde_json::to_string_pretty(&value).expect("JSON")
}

#[test]
fn what_is_no_format_is_refused_with_place_and_way_out() {
    let cut = pretty(COLLECTOR.lines().next().expect("a line"));
    for (bytes, said) in [
        (b"{\"a\": 1}\n".to_vec(), "x.json:1: JSON, but neither"),
        (b"not json at all".to_vec(), "x.json:1: not spans in JSON"),
        (b"\n\nnot json at all".to_vec(), "x.json:3: not spans in JSON"),
        (b"[{\"traceId\": \"1\", \"id\": \"2\"}]".to_vec(), "x.json:1: JSON, but neither"),
        (b"{\"resourceSpans\": {}}".to_vec(), "x.json:1: not spans in JSON: invalid type: map, expected a list"),
        (cut.as_bytes()[..cut.len() / 2].to_vec(), "x.json:1: not spans in JSON: EOF"),
        (b"{\"data\": null, \"errors\": [{\"code\": 404}]}".to_vec(), "x.json holds no spans"),
        (b"{\"resourceMetrics\": []}".to_vec(), "x.json holds no spans"),
        (Vec::new(), "x.json holds no spans: it is empty"),
        (gzip(b""), "x.json holds no spans: it is empty"),
        (gzip(COLLECTOR.as_bytes())[..40].to_vec(), "x.json: the gzip in it is cut off"),
        (framed(&[PROTOBUF])[..80].to_vec(), "x.json, message 1: cut off"),
        (PROTOBUF[..80].to_vec(), "x.json: not OTLP in protobuf"),
        (vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0], "zstd -d"),
        (framed(&[&[0x28, 0xb5, 0x2f, 0xfd, 0, 0]]), "zstd -d"),
        (b"PK\x03\x04".to_vec(), "unzip"),
        (b"\x89PNG\r\n\x1a\n\0\0".to_vec(), "x.json:1: not spans in JSON"),
    ] {
        let refused = refused(&bytes);
        assert!(refused.contains(said), "{said}: {refused}");
        assert!(refused.contains("file exporter") || refused.contains("unpack it first"), "a way out: {refused}");
    }
    assert!(read_protobuf(b"\xff\xff\xff", &mut |_| {}).is_err());
}

#[test]
fn what_can_be_read_of_a_damaged_file_is_read() {
    let line = |n| json(own(n), n, None, &[]) + "\n";
    let in_one = file("whole", PROTOBUF).0.len();
    for (name, bytes, spans, unreadable) in [
        ("one broken line among others", format!("{}{{broken\n{}", line(1), line(2)).into_bytes(), 2, 1),
        ("rotated in the middle of a line", format!("Nano\":\"1\"}}]}}]}}\n{}", line(1)).into_bytes(), 1, 1),
        ("written while it was copied", [line(1), line(2)[..70].to_owned()].concat().into_bytes(), 1, 1),
        ("a blank line first", format!("\n\n{}", line(1)).into_bytes(), 1, 0),
        ("protobuf that is cut off", framed(&[PROTOBUF, PROTOBUF])[..PROTOBUF.len() + 60].to_vec(), in_one, 1),
    ] {
        let (read, bad) = file(name, &bytes);
        assert_eq!((read.len(), bad), (spans, unreadable), "{name}");
    }
    let lines: String = (1..2_000).map(line).collect();
    let packed = gzip(lines.as_bytes());
    let (read, bad) = file("gzip that is cut off", &packed[..packed.len() / 2]);
    assert!(read.len() > 100 && (1..=2).contains(&bad), "{} and {bad}", read.len());
}

#[test]
fn a_span_that_cannot_be_used_spoils_no_other() {
    let good = json(own(1), 1, None, &[]);
    let value: serde_json::Value = serde_json::from_str(&good).expect("JSON");
    let span = value["resourceSpans"][0]["scopeSpans"][0]["spans"][0].to_string();
    let no_id = span.replace("0000000000000001", "1");
    for other in ["{}", "7", "{\"traceId\": 5}", &no_id.replace("\"1\"", "\"\"")] {
        let mut read = 0;
        let text = good.replace(&span, &format!("{other},{span}"));
        let unusable = read_json(text.as_bytes(), &mut |_| read += 1).expect("OTLP in JSON");
        assert_eq!((read, unusable), (1, 1), "{other}");
    }
    // `null` is what is not there.
    let mut read = Vec::new();
    let text = good.replace("\"links\":[]", "\"links\":null,\"status\":null").replace("\"parentSpanId\":\"\"", "\"parentSpanId\":null");
    assert_eq!(read_json(text.as_bytes(), &mut |span| read.push(span)).expect("OTLP in JSON"), 0);
    assert_eq!((read.len(), read[0].parent), (1, None));
}

#[test]
fn ids_in_base64_are_those_in_hex() {
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let hex = json(own(1), 1, None, &[]);
    let text = hex.replace(&own(1).to_string(), &encode(own(1).bytes())).replace("0000000000000001", &encode(&[0, 0, 0, 0, 0, 0, 0, 1]));
    assert_ne!(text, hex);
    assert_eq!(file("base64", text.as_bytes()), file("hex", hex.as_bytes()));
}

#[test]
fn only_the_runs_own_spans_are_kept_and_only_once() {
    let mut keeper = keeper(Bounds::default());
    let foreign = TraceId::of(&[9; 16]).expect("an id");
    for text in [json(own(1), 1, None, &[]), json(own(1), 1, None, &[]), json(foreign, 2, None, &[]), json(own(2), 3, Some(4), &[])] {
        take(&mut keeper, &text);
    }
    let (spans, intake) = keeper.hand_over(1_700_000_000_000_000_000, |text| text);
    assert_eq!(spans.iter().map(|span| span.trace).collect::<Vec<_>>().len(), 2);
    assert_eq!((intake.read, intake.doubled, intake.foreign, intake.dropped), (4, 1, 1, 0));
    assert_eq!(spans[0].attributes.keys().map(Text::as_str).collect::<Vec<_>>(), ["code.lineno"], "nothing else is kept");
    assert_eq!((spans[0].start.0, spans[0].end.0), (0, 1000));
}

#[test]
fn a_linked_trace_is_kept_whichever_of_its_spans_comes_first() {
    let other = TraceId::of(&[7; 16]).expect("an id");
    let child = json(other, 12, Some(11), &[]);
    let linking = json(other, 11, None, &[own(5)]);
    for order in [[&child, &linking], [&linking, &child]] {
        let mut keeper = keeper(Bounds::default());
        for text in order {
            take(&mut keeper, text);
        }
        let (spans, intake) = keeper.hand_over(0, |text| text);
        assert_eq!((spans.len(), intake.foreign), (2, 0));
        assert!(spans.iter().any(|span| span.links == [own(5)]));
    }
}

#[test]
fn of_a_trace_for_all_messages_only_the_runs_are_kept() {
    let other = TraceId::of(&[7; 16]).expect("an id");
    let somebodys = TraceId::of(&[8; 16]).expect("an id");
    // The loop, the run's message with its write, somebody else's with its own, and many of the run's.
    let mut texts = vec![
        json(other, 2, Some(1), &[own(5)]),
        json(other, 3, Some(2), &[]),
        json(other, 4, Some(1), &[somebodys]),
        json(other, 5, Some(4), &[]),
        json(other, 1, None, &[]),
    ];
    texts.extend((0..20).map(|n| json(other, 100 + n, Some(1), &[own(n)])));
    let mut keeper = keeper(Bounds { of_one_trace: 5, ..Bounds::default() });
    for text in &texts {
        take(&mut keeper, text);
    }
    let (spans, intake) = keeper.hand_over(0, |text| text);
    assert_eq!((spans.len(), intake.foreign, intake.dropped), (23, 2, 0));
    assert!(spans.iter().all(|span| ![4, 5].contains(&span.span.bytes()[7])), "{spans:#?}");
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let bounds = Bounds { spans: 100, of_one_trace: 10, waiting: 20, ..Bounds::default() };
    let mut keeper = keeper(bounds);
    for n in 0..50 {
        for span in 0..20 {
            take(&mut keeper, &json(own(n), n * 100 + span + 1, None, &[]));
        }
    }
    for n in 0..500_u64 {
        take(&mut keeper, &json(TraceId::of(&(u128::from(n) + 1).to_be_bytes()).expect("an id"), 1, None, &[]));
    }
    assert_eq!(keeper.count(), 100);
    let (spans, intake) = keeper.hand_over(0, |text| text);
    assert_eq!((spans.len(), intake.dropped, intake.foreign), (100, 900, 500));
    assert_eq!(keeper.count(), 0, "the next round begins with nothing");
}

#[test]
fn secrets_are_struck_out_of_names() {
    let mut keeper = keeper(Bounds::default());
    take(&mut keeper, &json(own(1), 1, None, &[]).replace("\"work\"", "\"GET /x?token=s3cret\""));
    let redaction = crate::model::redaction::Redaction::of(["s3cret".to_owned()]);
    let (spans, _) = keeper.hand_over(0, |text| redaction.clean(text));
    assert!(!spans[0].name.contains("s3cret"), "{}", spans[0].name.as_str());
}

#[test]
fn names_with_ids_in_them_become_one() {
    let shape = candidates::shape;
    for (name, shaped) in [
        ("SET scan_4f7a11c2", "SET *"),
        ("GET /api/v1/scans/7f3e9c2ab41d", "GET /api/v1/scans/*"),
        ("run_discovery_background", "run_discovery_background"),
        ("POST /scans http send", "POST /scans http send"),
        ("job 123456", "job *"),
        ("step 2", "step 2"),
        ("schritt-für-schritt", "schritt-für-schritt"),
    ] {
        assert_eq!(shape(name), shaped);
    }
}

mod never_panics {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_protobuf(&bytes, &mut |_| {});
            let _ = read_json(&bytes, &mut |_| {});
            let _ = read_jaeger(&bytes, &mut |_| {});
            let _ = read_file("x", bytes.as_slice(), &mut |_| {});
        }

        #[test]
        fn on_damaged_spans(at in 0..PROTOBUF.len(), byte in any::<u8>(), cut in 0..PROTOBUF.len()) {
            let mut bytes = PROTOBUF.to_vec();
            bytes[at] = byte;
            let _ = read_protobuf(&bytes, &mut |_| {});
            let _ = read_protobuf(&PROTOBUF[..cut], &mut |_| {});
            let _ = read_file("x", framed(&[&bytes]).as_slice(), &mut |_| {});
        }
    }
}
