//! Files of spans: what the collector's file exporter writes (lines of OTLP in JSON, or protobuf), and Jaeger's documents; gzipped or not.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use flate2::bufread::MultiGzDecoder;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::traces::{ReadError, Take, read_jaeger, read_json, read_protobuf};

/// The longest line, message or document that is read.
const LONGEST: u64 = 256 * 1024 * 1024;

/// Reads a file, piece by piece, as what it begins like. Returns how many lines, messages and spans could not be read; the complaint about
/// the first one is the error if there is no span that could.
pub fn read_file(file: &str, mut input: impl BufRead, take: Take<'_>) -> Result<u64, ReadError> {
    let head = beginning(file, &mut input)?;
    let mut input = head.chain(input);
    let reading = Reading { file, take, spans: 0, unreadable: 0, first_bad: None };
    if !head.starts_with(&GZIP) {
        return reading.all(&head, &mut input);
    }
    let is_broken = Cell::new(false);
    let mut unpacked = BufReader::new(UntilBroken { inner: MultiGzDecoder::new(input), is_broken: &is_broken });
    let head = beginning(file, &mut unpacked)?;
    let mut input = head.chain(unpacked);
    let read = reading.all(&head, &mut input);
    match read {
        Ok(unreadable) => Ok(unreadable + u64::from(is_broken.get())),
        Err(_) if is_broken.get() => {
            Err(ReadError::File { place: file.to_owned(), why: "the gzip in it is cut off or damaged".to_owned() })
        }
        Err(why) => Err(why),
    }
}

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Ends where what was compressed is cut off or damaged, so that what stands before is read.
struct UntilBroken<'f, R> {
    inner: R,
    is_broken: &'f Cell<bool>,
}

impl<R: Read> Read for UntilBroken<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(into) {
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidInput | ErrorKind::InvalidData) => {
                self.is_broken.set(true);
                Ok(0)
            }
            read => read,
        }
    }
}

/// What other programs compress with: how such files begin, what it is called, and what undoes it.
const PACKED: [(&[u8], &str, &str); 4] = [
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd", "zstd -d"),
    (b"PK\x03\x04", "zip", "unzip"),
    (b"BZh", "bzip2", "bunzip2"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "xz", "unxz"),
];

/// So many bytes tell the formats apart.
const HEAD: u64 = 16;

fn beginning(file: &str, input: &mut impl BufRead) -> Result<Vec<u8>, ReadError> {
    let mut head = Vec::new();
    input.take(HEAD).read_to_end(&mut head).map_err(|source| ReadError::Io { file: file.to_owned(), source })?;
    Ok(head)
}

/// One file on its way.
struct Reading<'t> {
    file: &'t str,
    take: Take<'t>,
    spans: u64,
    unreadable: u64,
    first_bad: Option<(String, ReadError)>,
}

impl Reading<'_> {
    fn all(mut self, head: &[u8], input: &mut dyn BufRead) -> Result<u64, ReadError> {
        // The collector compresses each message for itself, and puts its length before it.
        let packed = |(magic, ..): &&(&[u8], _, _)| head.starts_with(magic) || head.get(4..).is_some_and(|rest| rest.starts_with(magic));
        if let Some((_, how, command)) = PACKED.iter().find(packed) {
            return Err(ReadError::Packed { file: self.file.to_owned(), how, command });
        }
        match head {
            [] => return Err(self.empty(": it is empty")),
            // The length of a message that is shorter than 16 MiB, in four bytes.
            [0, ..] => self.framed(input)?,
            // The first field of a message, or a line that is blank.
            [0x0a, ..] => self.one_message(input)?,
            _ => self.lines(input)?,
        }
        match self.first_bad {
            Some((place, why)) if self.spans == 0 => Err(ReadError::File { place, why: why.to_string() }),
            None if self.spans == 0 => Err(self.empty(", only metrics, logs or traces without spans")),
            _ => Ok(self.unreadable),
        }
    }

    fn empty(&self, why: &'static str) -> ReadError {
        ReadError::Empty { file: self.file.to_owned(), why }
    }

    fn io(&self, source: io::Error) -> ReadError {
        ReadError::Io { file: self.file.to_owned(), source }
    }

    /// Reads a piece, and counts it if it cannot be read.
    fn piece(&mut self, place: impl FnOnce(&str) -> String, read: impl FnOnce(Take<'_>) -> Result<u64, ReadError>) {
        let Reading { take, spans, .. } = self;
        let read = read(&mut |span| {
            *spans += 1;
            take(span);
        });
        match read {
            Ok(unusable) => self.unreadable += unusable,
            Err(why) => self.bad(place(self.file), why),
        }
    }

    fn bad(&mut self, place: String, why: ReadError) {
        self.unreadable += 1;
        self.first_bad.get_or_insert((place, why));
    }

    /// Messages of protobuf, each with its length before it.
    fn framed(&mut self, input: &mut dyn BufRead) -> Result<(), ReadError> {
        for number in 1.. {
            let place = |file: &str| format!("{file}, message {number}");
            let mut message = Vec::new();
            let read = input.take(4).read_to_end(&mut message).map_err(|error| self.io(error))?;
            let Ok(length) = <[u8; 4]>::try_from(message.as_slice()).map(|bytes| u64::from(u32::from_be_bytes(bytes))) else {
                if read > 0 {
                    self.bad(place(self.file), ReadError::CutOff { missing: 4 - read as u64, length: 4 });
                }
                break;
            };
            if length > LONGEST {
                self.bad(place(self.file), ReadError::Protobuf("a message cannot be so long".to_owned()));
                break;
            }
            message.clear();
            input.take(length).read_to_end(&mut message).map_err(|error| self.io(error))?;
            let missing = length - message.len() as u64;
            if missing > 0 {
                self.bad(place(self.file), ReadError::CutOff { missing, length });
                break;
            }
            self.piece(place, |take| read_protobuf(&message, take));
        }
        Ok(())
    }

    /// One message of protobuf, as an exporter sends it; if it is none, then lines of which the first is blank.
    fn one_message(&mut self, input: &mut dyn BufRead) -> Result<(), ReadError> {
        let mut all = Vec::new();
        input.take(LONGEST).read_to_end(&mut all).map_err(|error| self.io(error))?;
        if all.trim_ascii_start().first().is_some_and(|first| b"{[".contains(first)) && serde_json::from_slice::<IgnoredAny>(&all).is_ok() {
            return self.lines(&mut all.as_slice());
        }
        let (spans, unreadable) = (self.spans, self.unreadable);
        self.piece(str::to_owned, |take| read_protobuf(&all, take));
        if self.spans == spans && std::str::from_utf8(&all).is_ok() {
            (self.unreadable, self.first_bad) = (unreadable, None);
            return self.lines(&mut all.as_slice());
        }
        Ok(())
    }

    /// Lines of JSON, or one document over many lines.
    fn lines(&mut self, input: &mut dyn BufRead) -> Result<(), ReadError> {
        let mut line = Vec::new();
        let mut is_first = true;
        for number in 1.. {
            line.clear();
            match input.take(LONGEST).read_until(b'\n', &mut line).map_err(|error| self.io(error))? as u64 {
                0 => break,
                LONGEST => {
                    self.bad(at(self.file, number), ReadError::TooLong);
                    break;
                }
                _ => {}
            }
            if number == 1 && line.starts_with(BYTE_ORDER_MARK) {
                line.drain(..BYTE_ORDER_MARK.len());
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            // Jaeger's document may be laid out over many lines, and OTLP as one pretty-printed document, too.
            if std::mem::take(&mut is_first) && serde_json::from_slice::<IgnoredAny>(&line).is_err() {
                return self.document_or_lines(number, line, input);
            }
            self.piece(|file| at(file, number), |take| read_document(&line, take));
        }
        Ok(())
    }

    /// What begins with a line that is not JSON: a document over many lines, or lines of which the first is cut off, as where files are
    /// rotated.
    fn document_or_lines(&mut self, number: usize, mut text: Vec<u8>, input: &mut dyn BufRead) -> Result<(), ReadError> {
        let first = text.len();
        if input.take(LONGEST).read_to_end(&mut text).map_err(|error| self.io(error))? as u64 == LONGEST {
            self.bad(at(self.file, number), ReadError::TooLong);
            return Ok(());
        }
        if serde_json::from_slice::<IgnoredAny>(&text).is_ok() {
            self.piece(|file| at(file, number), |take| read_document(&text, take));
            return Ok(());
        }
        let spans = self.spans;
        for (below, line) in text[first..].split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| line.starts_with(b"{")) {
            self.piece(|file| at(file, number + 1 + below), |take| read_document(line, take));
        }
        let broken = read_document(&text[..if self.spans > spans { first } else { text.len() }], &mut |_| {});
        if let Err(why) = broken {
            self.unreadable += 1;
            self.first_bad = Some((at(self.file, number), why));
        }
        Ok(())
    }
}

/// Some editors begin a text with it.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

fn at(file: &str, line: usize) -> String {
    format!("{file}:{line}")
}

/// One document, of whatever form.
fn read_document(bytes: &[u8], take: Take<'_>) -> Result<u64, ReadError> {
    match Form::of(bytes)? {
        Form::Jaeger => read_jaeger(bytes, take),
        Form::Otlp => read_json(bytes, take),
        Form::Wrapped(inner) => read_json(inner.get().as_bytes(), take),
        Form::Other => Ok(0),
    }
}

enum Form<'a> {
    Otlp,
    Jaeger,
    /// The same as OTLP, in a member of its own.
    Wrapped(&'a RawValue),
    /// Metrics and logs: the collector writes them in the same way, and a file of all three is usual.
    Other,
}

impl<'a> Form<'a> {
    fn of(bytes: &'a [u8]) -> Result<Form<'a>, ReadError> {
        #[derive(Deserialize)]
        struct Members<'a> {
            #[serde(rename = "resourceSpans", alias = "batches")]
            otlp: Option<IgnoredAny>,
            /// `spans` is the member of one trace alone. What was not found is `null`.
            #[serde(default, alias = "spans", deserialize_with = "is_there")]
            data: bool,
            #[serde(rename = "resourceMetrics", alias = "resourceLogs")]
            others: Option<IgnoredAny>,
            /// Jaeger's newer interface answers so, and Tempo's with `trace`.
            #[serde(borrow, alias = "trace")]
            result: Option<&'a RawValue>,
        }
        let no_json = |error: serde_json::Error| ReadError::Json(error.to_string());
        if bytes.trim_ascii_start().starts_with(b"[") {
            // Zipkin has lists, too, and other members.
            #[derive(Deserialize)]
            struct Element {
                spans: Option<IgnoredAny>,
            }
            let list: Vec<Element> = serde_json::from_slice(bytes).map_err(no_json)?;
            return if list.iter().all(|one| one.spans.is_some()) { Ok(Form::Jaeger) } else { Err(ReadError::NoSpans) };
        }
        let members: Members<'a> = serde_json::from_slice(bytes).map_err(no_json)?;
        match members {
            Members { otlp: Some(_), .. } => Ok(Form::Otlp),
            Members { data: true, .. } => Ok(Form::Jaeger),
            Members { result: Some(inner), .. } => Ok(Form::Wrapped(inner)),
            Members { others: Some(_), .. } => Ok(Form::Other),
            _ => Err(ReadError::NoSpans),
        }
    }
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}
