//! Files of spans: lines of OTLP in JSON, as the collector's file exporter writes them, or one document of Jaeger's.

use std::io::{self, BufRead, Read};

use crate::traces::{ReadError, ReceivedSpan, read_jaeger, read_json};

/// The longest line, and the longest document, that is read.
const LONGEST: u64 = 256 * 1024 * 1024;

/// Reads a file, piece by piece. `take` is given the spans of each piece; the number of lines that could not be read comes back, of which
/// the first one's complaint fails if nothing else could be read.
pub fn read_file(file: &str, mut input: impl BufRead, mut take: impl FnMut(Vec<ReceivedSpan>)) -> Result<u64, ReadError> {
    let at = |line: usize, why: ReadError| ReadError::File { file: file.to_owned(), line, why: why.to_string() };
    let unreadable = |source: io::Error| ReadError::Io { file: file.to_owned(), source };
    let (mut line, mut number, mut tally) = (Vec::new(), 0, Tally::default());
    loop {
        line.clear();
        let read = input.by_ref().take(LONGEST).read_until(b'\n', &mut line).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        if read as u64 == LONGEST {
            return Err(at(number + 1, ReadError::TooLong));
        }
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        // Jaeger's document may be laid out over many lines, and OTLP as one pretty-printed document, too.
        if tally.is_empty() && serde_json::from_slice::<serde::de::IgnoredAny>(&line).is_err() {
            let more = input.by_ref().take(LONGEST - line.len() as u64).read_to_end(&mut line).map_err(unreadable)?;
            if line.len() as u64 == LONGEST && more > 0 {
                return Err(at(number, ReadError::TooLong));
            }
            if let Ok(spans) = read_document(&line) {
                take(spans);
                return Ok(0);
            }
            // Lines, the first of which is cut or broken: a file exporter that rotates its files may begin in the middle of one.
            for text in line.split(|byte| *byte == b'\n').filter(|text| !text.iter().all(u8::is_ascii_whitespace)) {
                tally.count(number, read_document(text), &mut take);
            }
            break;
        }
        tally.count(number, read_document(&line), &mut take);
    }
    match tally.first_bad {
        Some((line, why)) if tally.good == 0 => Err(at(line, why)),
        _ => Ok(tally.bad),
    }
}

/// How many pieces of a file could be read, and how many could not.
#[derive(Default)]
struct Tally {
    good: u64,
    bad: u64,
    first_bad: Option<(usize, ReadError)>,
}

impl Tally {
    fn is_empty(&self) -> bool {
        self.good == 0 && self.bad == 0
    }

    fn count(&mut self, line: usize, read: Result<Vec<ReceivedSpan>, ReadError>, take: &mut impl FnMut(Vec<ReceivedSpan>)) {
        match read {
            Ok(spans) => {
                self.good += 1;
                take(spans);
            }
            Err(why) => {
                self.bad += 1;
                self.first_bad.get_or_insert((line, why));
            }
        }
    }
}

/// One document, of either format.
fn read_document(bytes: &[u8]) -> Result<Vec<ReceivedSpan>, ReadError> {
    match Form::of(bytes)? {
        Form::Jaeger => read_jaeger(bytes),
        Form::Otlp => read_json(bytes),
    }
}

enum Form {
    Otlp,
    Jaeger,
}

impl Form {
    fn of(bytes: &[u8]) -> Result<Form, ReadError> {
        #[derive(serde::Deserialize)]
        struct Members {
            #[serde(rename = "resourceSpans")]
            otlp: Option<serde::de::IgnoredAny>,
            data: Option<serde::de::IgnoredAny>,
            /// The collector writes metrics and logs in the same way; a file of all three is usual.
            #[serde(rename = "resourceMetrics", alias = "resourceLogs")]
            others: Option<serde::de::IgnoredAny>,
        }
        let members: Members = serde_json::from_slice(bytes).map_err(|error| ReadError::Json(error.to_string()))?;
        match (members.otlp.or(members.others), members.data) {
            (Some(_), _) => Ok(Form::Otlp),
            (None, Some(_)) => Ok(Form::Jaeger),
            (None, None) => Err(ReadError::NoSpans),
        }
    }
}
