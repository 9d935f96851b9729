//! JSON lines by a mapping: which key holds what.

use std::str::FromStr;

use serde_json::Value;

use super::Stamped;
use super::lines::shortened;
use super::record::{Record, add_header, code};
use super::stamps;
use crate::model::source::nearest;

/// Where the fields of a request stand in a line's object. A field that is not mapped is looked for under its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    places: Vec<Place>,
    /// One second, unless the mapping says `duration=KEY:ms` or the like.
    unit: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    field: &'static str,
    key: String,
    /// Whether it was named: then it has to be there.
    named: bool,
}

/// Why a text is not a mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}\n  hint: write FIELD=KEY,…, for example time=@timestamp,url=request.path,status=/http/status,duration=took:ms")]
pub struct MappingError {
    problem: String,
}

/// What can be mapped. `request` is a whole line such as `GET /jobs/7 HTTP/1.1`.
const FIELDS: [&str; 12] = ["time", "method", "url", "request", "status", "duration", "client", "user", "id", "location", "worker", "body"];

/// The units of a duration.
const UNITS: [(&str, i64); 4] = [(":s", 1_000_000_000), (":ms", 1_000_000), (":us", 1_000), (":ns", 1)];

impl Default for Mapping {
    fn default() -> Mapping {
        let places = FIELDS.map(|field| Place { field, key: field.to_owned(), named: false });
        Mapping { places: places.to_vec(), unit: UNITS[0].1 }
    }
}

impl FromStr for Mapping {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Mapping, MappingError> {
        let mut mapping = Mapping::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((field, key)) = part.split_once('=').filter(|(_, key)| !key.is_empty()) else {
                return Err(MappingError { problem: format!("`{part}` is not FIELD=KEY") });
            };
            let Some(place) = mapping.places.iter_mut().find(|place| place.field == field.trim()) else {
                let meant = nearest(field, FIELDS)
                    .map_or_else(|| format!("fields are {}", FIELDS.join(", ")), |right| format!("did you mean `{right}`?"));
                return Err(MappingError { problem: format!("there is no field `{field}`: {meant}") });
            };
            let mut key = key.trim();
            if place.field == "duration"
                && let Some((before, unit)) = UNITS.iter().find_map(|(end, unit)| Some((key.strip_suffix(end)?, *unit)))
            {
                (key, mapping.unit) = (before, unit);
            }
            key.clone_into(&mut place.key);
            place.named = true;
        }
        Ok(mapping)
    }
}

impl Mapping {
    /// Reads one line; the error is a fragment.
    pub(super) fn record(&self, line: &str, stamped: Stamped) -> Result<Record, String> {
        let line: Value = serde_json::from_str(line).map_err(|error| format!("not JSON: {error}"))?;
        if !line.is_object() {
            return Err("not a JSON object".to_owned());
        }
        let text = |field: &str| self.text(&line, field);
        let stamp = text("time").ok_or_else(|| self.lacks("time"))?;
        let stamp = stamps::read(&stamp).ok_or_else(|| format!("{:?} is not a time", shortened(&stamp)))?;
        let (method, url) = match (text("method"), text("url"), text("request")) {
            (_, _, Some(request)) => {
                let mut words = request.split(' ').map(str::to_owned);
                (words.next().unwrap_or_default(), words.next().unwrap_or_default())
            }
            (Some(method), Some(url), None) => (method, url),
            (None, _, None) => return Err(self.lacks("method")),
            (_, None, None) => return Err(self.lacks("url")),
        };
        let status = text("status").ok_or_else(|| self.lacks("status"))?;
        let status: f64 = status.parse().map_err(|_| format!("{:?} is not a status", shortened(&status)))?;
        let mut record = Record::new(&method, &url, code(status as i64));
        record.span(stamp, text("duration").and_then(|took| stamps::distance(&took, self.unit)), stamped);
        record.client = text("client");
        record.user = text("user");
        record.id = text("id");
        record.worker = text("worker");
        if let Some(location) = text("location") {
            add_header(&mut record.headers, "location", &location);
        }
        record.body = self.find(&line, "body").and_then(|body| match body {
            Value::Null => None,
            Value::String(text) => Some(text.clone().into_bytes()),
            other => Some(other.to_string().into_bytes()),
        });
        Ok(record)
    }

    fn place(&self, field: &str) -> Option<&Place> {
        self.places.iter().find(|place| place.field == field)
    }

    /// The value of a field: under its key as it is, else by JSON Pointer or along dots.
    fn find<'v>(&self, line: &'v Value, field: &str) -> Option<&'v Value> {
        let key = &self.place(field)?.key;
        line.get(key)
            .or_else(|| if key.starts_with('/') { line.pointer(key) } else { key.split('.').try_fold(line, |value, part| value.get(part)) })
    }

    fn text(&self, line: &Value, field: &str) -> Option<String> {
        match self.find(line, field)? {
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty() && text != "-"),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn lacks(&self, field: &str) -> String {
        let key = self.place(field).map_or(field, |place| &place.key);
        if self.place(field).is_some_and(|place| place.named) {
            format!("no {field} at `{key}`")
        } else {
            format!("no `{key}`: say where it stands with --map {field}=KEY")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_the_mapping_says() {
        let mapping: Mapping =
            "time=@timestamp, url=http.path,status=/http/status,duration=took:ms,client=src.ip".parse().expect("a mapping");
        let line = r#"{"@timestamp":"2025-11-23T20:08:55.250Z","method":"GET","http":{"path":"/jobs/7","status":404},"took":12,"src.ip":"10.0.0.7"}"#;
        let record = mapping.record(line, Stamped::Start).expect("a right line");
        assert_eq!((record.method.as_str(), record.url.as_str(), record.http), ("GET", "/jobs/7", Some(404)));
        assert_eq!((record.done - record.from, record.step, record.timed), (12_000_000, 2_000_000, true));
        assert_eq!((record.client.as_deref(), record.body), (Some("10.0.0.7"), None));
    }

    #[test]
    fn a_wrong_mapping_is_refused_with_a_way_out() {
        for (text, wrong) in
            [("tim=x", "did you mean `time`?"), ("time", "not FIELD=KEY"), ("zzzzzz=x", "fields are time"), ("time=", "not FIELD")]
        {
            let error = text.parse::<Mapping>().expect_err(text).to_string();
            assert!(error.contains(wrong) && error.contains("FIELD=KEY"), "{text}: {error}");
        }
    }

    #[test]
    fn a_line_that_lacks_a_field_says_which() {
        for (line, why) in [
            ("[]", "not a JSON object"),
            ("{", "not JSON"),
            ("{}", "--map time=KEY"),
            (r#"{"time":"x"}"#, "not a time"),
            (r#"{"time":1763928535}"#, "--map method=KEY"),
            (r#"{"time":1763928535,"method":"GET"}"#, "--map url=KEY"),
            (r#"{"time":1763928535,"request":"GET /"}"#, "--map status=KEY"),
            (r#"{"time":1763928535,"request":"GET /","status":"ok"}"#, "is not a status"),
        ] {
            let error = Mapping::default().record(line, Stamped::Start).expect_err(line);
            assert!(error.contains(why), "{line}: {error}");
        }
    }
}
