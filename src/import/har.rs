//! HTTP Archives (HAR 1.2, <http://www.softwareishard.com/blog/har-12-spec/>), as browsers and proxies write them.
//!
//! An archive is one JSON document and may be large, so that its entries are read one by one.

use std::fmt;
use std::io::BufRead;

use base64::Engine as _;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::ImportError;
use super::assemble::Assembler;
use super::lines::too_many;
use super::record::{Record, add_header, code};
use super::stamps;

/// One entry, as far as it is understood.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) started_date_time: String,
    /// Milliseconds; browsers write -1 or null for what was never answered.
    #[serde(default)]
    pub(super) time: Option<f64>,
    request: Request,
    response: Response,
    #[serde(default)]
    pub(super) timings: Option<Timings>,
    #[serde(default)]
    connection: Option<Value>,
    /// The exchange, in an archive that this tool wrote.
    #[serde(default, rename = "_statusgap")]
    pub(super) own: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
}

#[derive(Debug, Deserialize)]
struct Response {
    status: i64,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Debug, Deserialize)]
struct Content {
    text: Option<String>,
    encoding: Option<String>,
}

/// Milliseconds of an entry's phases; -1 or null for one that did not take place.
#[derive(Debug, Deserialize)]
pub(super) struct Timings {
    #[serde(default)]
    blocked: Option<f64>,
    #[serde(default)]
    dns: Option<f64>,
    #[serde(default)]
    connect: Option<f64>,
    #[serde(default)]
    pub(super) receive: Option<f64>,
}

/// Reads an archive's entries into records.
pub(super) fn read(file: &str, input: impl BufRead, assembler: &mut Assembler<'_>) -> Result<(), ImportError> {
    let read = entries(file, input, &mut |entry| {
        assembler.take(entry.record()?);
        Ok(())
    })?;
    assembler.bad_lines(read.bad, read.first);
    Ok(())
}

/// What an archive has beside its entries.
#[derive(Debug)]
pub(super) struct Read {
    /// The member `_statusgap` of the log itself.
    pub(super) own: Option<Value>,
    /// How many entries could not be read, and the numbers of the first of them.
    bad: u64,
    first: Vec<u64>,
}

/// Reads an archive's entries one by one. An entry's error is a fragment.
pub(super) fn entries(file: &str, mut input: impl BufRead, take: &mut dyn FnMut(Entry) -> Result<(), String>) -> Result<Read, ImportError> {
    let io = |source| ImportError::Io { file: file.to_owned(), source };
    if input.fill_buf().map_err(io)?.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    let mut tally = Tally::default();
    let mut archive = serde_json::Deserializer::from_reader(input);
    let read =
        Archive { take: &mut |entry| tally.count(entry, take) }.deserialize(&mut archive).and_then(|own| archive.end().map(|()| own));
    let own = read.map_err(|error| {
        if error.is_io() {
            return ImportError::Io { file: file.to_owned(), source: error.into() };
        }
        ImportError::NotOfFormat {
            file: file.to_owned(),
            place: format!("{}:{}", error.line(), error.column()),
            wanted: "an HTTP Archive",
            why: error.to_string(),
        }
    })?;
    if tally.bad as f64 > tally.entries as f64 * BAD_AT_MOST {
        return Err(too_many(file, tally.bad, tally.entries, "entries", &tally.first, "see whether another tool can open the archive"));
    }
    Ok(Read { own, bad: tally.bad, first: tally.first.into_iter().map(|(number, _)| number).collect() })
}

/// An archive with a larger share of unreadable entries than this is not what it says.
const BAD_AT_MOST: f64 = 0.05;

#[derive(Default)]
struct Tally {
    entries: u64,
    bad: u64,
    first: Vec<(u64, String)>,
}

impl Tally {
    fn count(&mut self, entry: Value, take: &mut dyn FnMut(Entry) -> Result<(), String>) {
        self.entries += 1;
        let taken = Entry::deserialize(entry).map_err(|error| error.to_string()).and_then(take);
        if let Err(why) = taken {
            self.bad += 1;
            if self.first.len() < 5 {
                self.first.push((self.entries, format!("entry: {why}")));
            }
        }
    }
}

impl Entry {
    /// When it began and how long it took, both with their step.
    pub(super) fn span(&self) -> Result<(stamps::Written, f64), String> {
        let began = stamps::read(&self.started_date_time).ok_or("startedDateTime is not a time")?;
        let took = self.time.filter(|ms| stamps::millis(*ms).is_some()).unwrap_or(0.0);
        Ok((began, took))
    }

    fn record(self) -> Result<Record, String> {
        let (began, took) = self.span()?;
        // Queueing, look-up and connecting come before the request; without them there is more of it.
        let before = self.timings.as_ref().map_or(0.0, |timings| {
            [timings.blocked, timings.dns, timings.connect].into_iter().flatten().filter(|ms| ms.is_finite() && *ms > 0.0).sum::<f64>()
        });
        let mut record = Record::new(&self.request.method, &self.request.url, code(self.response.status));
        record.from = began.at.saturating_add((before.min(took) * 1e6) as i64);
        record.done = began.at.saturating_add((took * 1e6) as i64);
        record.step = began.step;
        record.timed = self.time.is_some();
        for pair in &self.request.headers {
            add_header(&mut record.asked_with, &pair.name, &pair.value);
        }
        for pair in &self.response.headers {
            add_header(&mut record.headers, &pair.name, &pair.value);
        }
        record.body = self.response.content.and_then(Content::bytes);
        record.connection = match self.connection {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        Ok(record)
    }
}

impl Content {
    fn bytes(self) -> Option<Vec<u8>> {
        let text = self.text?;
        if self.encoding.as_deref() == Some("base64") {
            return base64::engine::general_purpose::STANDARD.decode(text.trim()).ok();
        }
        Some(text.into_bytes())
    }
}

/// `{ "log": … }`
struct Archive<'a> {
    take: &'a mut dyn FnMut(Value),
}

/// `{ …, "entries": […] }`
struct Log<'a> {
    take: &'a mut dyn FnMut(Value),
}

/// `[entry, …]`
struct Entries<'a> {
    take: &'a mut dyn FnMut(Value),
}

impl<'de> DeserializeSeed<'de> for Archive<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Value>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Archive<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the member `log`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let mut own = None;
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "log" {
                own = map.next_value_seed(Log { take: self.take })?;
                found = true;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if found { Ok(own) } else { Err(serde::de::Error::missing_field("log")) }
    }
}

impl<'de> DeserializeSeed<'de> for Log<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Value>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Log<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the member `entries`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let mut own = None;
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "entries" => {
                    map.next_value_seed(Entries { take: self.take })?;
                    found = true;
                }
                "_statusgap" => own = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if found { Ok(own) } else { Err(serde::de::Error::missing_field("entries")) }
    }
}

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(entry) = list.next_element::<Value>()? {
            (self.take)(entry);
        }
        Ok(())
    }
}
