//! Spans as a request of OTLP in JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Finished;

/// One request for each worker: a process of its own would send its own.
pub(super) fn requests(finished: &[Finished]) -> Vec<Vec<u8>> {
    let mut by_worker: BTreeMap<usize, Vec<Value>> = BTreeMap::new();
    for span in finished {
        by_worker.entry(span.worker).or_default().push(written(span));
    }
    by_worker.into_iter().map(|(worker, spans)| request(worker, &spans)).collect()
}

fn request(worker: usize, spans: &[Value]) -> Vec<u8> {
    let resource = [text("service.name", "statusgap-reference"), text("service.instance.id", &format!("worker-{worker}"))];
    let request = json!({
        "resourceSpans": [{
            "resource": { "attributes": resource },
            "scopeSpans": [{ "scope": { "name": "statusgap" }, "spans": spans }],
        }],
    });
    request.to_string().into_bytes()
}

fn written(span: &Finished) -> Value {
    let place = &span.description.place;
    let mut attributes = vec![
        text("code.function.name", place.function),
        text("code.file.path", place.file),
        json!({ "key": "code.line.number", "value": { "intValue": place.line.to_string() } }),
    ];
    attributes.extend(span.description.attributes.iter().map(|(key, value)| text(key, value)));
    json!({
        "traceId": format!("{:032x}", u128::from_be_bytes(span.trace)),
        "spanId": format!("{:016x}", span.span),
        "parentSpanId": format!("{:016x}", span.parent),
        "name": span.description.name,
        "kind": span.description.kind as i32,
        "startTimeUnixNano": span.start.to_string(),
        "endTimeUnixNano": span.end.to_string(),
        "attributes": attributes,
    })
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}
