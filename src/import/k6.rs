//! k6's JSON output: a line for each sample; the samples of `http_req_duration` are the requests.
//!
//! A sample's `time` is when the request ended, its value the milliseconds between the first byte sent and the last one received
//! (<https://grafana.com/docs/k6/latest/results-output/real-time/json/>). There are no bodies and no headers in it, and with a
//! `name` tag the address may be that name.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::record::{Record, code};
use super::stamps;

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    metric: Option<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    time: Option<String>,
    value: Option<f64>,
    #[serde(default)]
    tags: Option<Map<String, Value>>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
}

/// Reads one line; `None` for one that is another metric's. The error is a fragment.
pub fn record(line: &str) -> Result<Option<Record>, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| format!("not a line of k6's: {error}"))?;
    if line.kind != "Point" || line.metric.as_deref() != Some("http_req_duration") {
        return Ok(None);
    }
    let data = line.data.ok_or("a sample without data")?;
    let ended = data.time.as_deref().and_then(stamps::read).ok_or("a sample without a time that can be read")?;
    let took = data.value.and_then(stamps::millis).ok_or("a sample without a value")?;
    let tag = |name: &str| {
        let value = data.tags.as_ref().and_then(|tags| tags.get(name)).or_else(|| data.metadata.as_ref()?.get(name))?;
        match value {
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    };
    let url = tag("url").or_else(|| tag("name")).ok_or("a sample without the tag `url`: keep it among k6's system tags")?;
    let status = tag("status").and_then(|status| status.parse().ok()).unwrap_or(0);
    let mut record = Record::new(&tag("method").unwrap_or_default(), &url, code(status));
    record.done = ended.at;
    record.from = ended.at.saturating_sub(took);
    record.step = ended.step;
    record.timed = true;
    // Virtual users share nothing, so each is a client of its own.
    record.client = tag("vu");
    Ok(Some(record))
}

#[cfg(test)]
mod tests {
    use super::record;

    #[test]
    fn a_sample_is_a_request_that_ended_at_its_time() {
        let line = r#"{"type":"Point","metric":"http_req_duration","data":{"time":"2017-05-09T14:34:45.625742514+02:00","value":459.865729,"tags":{"group":"","method":"GET","status":"404","url":"http://localhost:8080/jobs/7"},"metadata":{"vu":3}}}"#;
        let record = record(line).expect("a right line").expect("a request");
        assert_eq!((record.method.as_str(), record.url.as_str(), record.http), ("GET", "http://localhost:8080/jobs/7", Some(404)));
        assert_eq!((record.done - record.from, record.step, record.client.as_deref()), (459_865_729, 1, Some("3")));
    }

    #[test]
    fn other_metrics_are_passed_over_and_other_lines_refused() {
        for line in [
            r#"{"type":"Metric","data":{"name":"http_reqs","type":"counter"},"metric":"http_reqs"}"#,
            r#"{"type":"Point","metric":"http_reqs","data":{"time":"2017-05-09T14:34:45Z","value":1,"tags":{}}}"#,
        ] {
            assert_eq!(record(line), Ok(None));
        }
        for (line, why) in [
            ("{}", "not a line of k6's"),
            (r#"{"type":"Point","metric":"http_req_duration"}"#, "without data"),
            (r#"{"type":"Point","metric":"http_req_duration","data":{"time":"x","value":1}}"#, "a time"),
            (r#"{"type":"Point","metric":"http_req_duration","data":{"time":"2017-05-09T14:34:45Z","value":1,"tags":{}}}"#, "`url`"),
        ] {
            assert!(record(line).is_err_and(|error| error.contains(why)), "{line}");
        }
    }
}
