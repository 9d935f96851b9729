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
    keeper.take_in(read_json(text.as_bytes()).expect("OTLP in JSON"));
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
    let protobuf = told(read_protobuf(PROTOBUF).expect("protobuf"));
    assert!(protobuf.len() >= 4, "{protobuf:#?}");
    let mut from_file = Vec::new();
    assert_eq!(read_file("collector.json", COLLECTOR.as_bytes(), |spans| from_file.extend(spans)).expect("lines"), 0);
    assert_eq!(told(from_file), protobuf);
    let mut saved = Vec::new();
    read_file("jaeger.json", JAEGER.as_bytes(), |spans| saved.extend(spans)).expect("a document");
    assert_eq!(told(saved), protobuf);
    let set = protobuf.iter().find(|(.., attributes)| attributes.contains_key("db.system")).expect("a span of Redis");
    assert_eq!((set.3, set.4.as_str()), (SpanKind::Client, "SET"));
    assert!(protobuf.iter().any(|(_, _, _, kind, ..)| *kind == SpanKind::Server));
}

#[test]
fn what_is_no_format_is_refused_with_place_and_way_out() {
    let refused = |text: &str| read_file("x.json", text.as_bytes(), |_| {}).expect_err("no spans").to_string();
    assert!(refused("{\"a\": 1}\n").contains("x.json:1: neither OTLP in JSON"), "{}", refused("{\"a\": 1}\n"));
    assert!(refused("not json at all").contains("file exporter"), "{}", refused("not json at all"));
    assert!(read_protobuf(b"\xff\xff\xff").is_err());
    // One broken line among others is counted.
    let mut read = 0;
    let text = format!("{}\n{{broken\n{}\n", json(own(1), 1, None, &[]), json(own(2), 2, None, &[]));
    assert_eq!(read_file("x", text.as_bytes(), |spans| read += spans.len()).expect("some"), 1);
    assert_eq!(read, 2);
    // A file that was rotated begins in the middle of a line.
    let text = format!("Nano\":\"1\"}}]}}]}}\n{}\n", json(own(1), 1, None, &[]));
    assert_eq!(read_file("x", text.as_bytes(), |_| {}).expect("some"), 1);
}

#[test]
fn pretty_printed_otlp_is_one_document() {
    let value: serde_json::Value = serde_json::from_str(&json(own(1), 1, None, &[])).expect("JSON");
    let mut read = 0;
    let text = serde_json::to_string_pretty(&value).expect("JSON");
    assert_eq!(read_file("x", text.as_bytes(), |spans| read += spans.len()).expect("a document"), 0);
    assert_eq!(read, 1);
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
            let _ = read_protobuf(&bytes);
            let _ = read_json(&bytes);
            let _ = read_jaeger(&bytes);
            let _ = read_file("x", bytes.as_slice(), |_| {});
        }

        #[test]
        fn on_damaged_spans(at in 0..PROTOBUF.len(), byte in any::<u8>(), cut in 0..PROTOBUF.len()) {
            let mut bytes = PROTOBUF.to_vec();
            bytes[at] = byte;
            let _ = read_protobuf(&bytes);
            let _ = read_protobuf(&PROTOBUF[..cut]);
        }
    }
}
