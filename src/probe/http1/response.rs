//! Reads a reply of HTTP/1.1 from bytes as they come (RFC 9112), and knows nothing of where they come from.
//!
//! Strict where leniency could turn a broken reply into an answer: two lengths that differ, an encoding that was not asked for, a
//! chunk that is longer than its size are all broken HTTP. What comes after a whole reply belongs to nobody; whoever sends it is
//! not asked again on that connection.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{Method, StatusCode};

use super::{LARGEST_BODY, Response, events};

/// The largest head of a reply that is read; a larger one is broken HTTP.
pub(in crate::probe) const LARGEST_HEAD: usize = 64 * 1024;

/// The most headers of a reply that are read.
const MOST_HEADERS: usize = 100;

/// The most that may stand beside the sizes of all chunks of a body together.
const LARGEST_EXTENSIONS: usize = 16 * 1024;

/// A chunk's size has at most 16 digits, and its line ends with two bytes.
const USUAL_SIZE_LINE: usize = 18;

/// A reply, as far as it has come.
#[derive(Debug)]
pub(super) struct ResponseParser {
    /// Whether the request was `HEAD`: the reply announces a body that does not come.
    bodiless: bool,
    /// What has come of a line or a head that is not whole.
    partial: Vec<u8>,
    head: Option<Head>,
    body: Body,
    rest: Rest,
    /// Which rule or limit a broken reply broke, where it is a reply of HTTP/1 at all.
    broken: Option<&'static str>,
}

/// Why a reply cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::probe) enum Failure {
    /// The peer closed the connection before the reply was whole.
    Closed,
    /// It is not a reply of HTTP/1, or breaks a rule of it.
    Malformed,
    /// Its body is larger than [`LARGEST_BODY`].
    TooLarge,
}

/// A failure, and the rule that was broken.
#[derive(Clone, Copy)]
struct Broken {
    fault: Failure,
    rule: Option<&'static str>,
}

impl Broken {
    fn rule(rule: &'static str) -> Broken {
        Broken { fault: Failure::Malformed, rule: Some(rule) }
    }
}

#[derive(Debug)]
struct Head {
    code: u16,
    headers: HeaderMap,
    /// Whether the connection may carry another exchange after this one.
    persists: bool,
    /// Whether it is a stream of events, which has no end of its own.
    is_stream: bool,
}

/// A whole head, of whatever reply.
struct Start {
    length: usize,
    code: u16,
    minor: u8,
    headers: HeaderMap,
}

/// What has come of the body. Most come in one piece, which need not be copied.
#[derive(Debug)]
enum Body {
    Whole(Bytes),
    Pieces(Vec<u8>),
}

/// What is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Head,
    /// So many bytes of the body.
    Bytes(usize),
    Chunks {
        part: Part,
        extensions: usize,
    },
    /// All that comes until the peer closes.
    UntilClosed,
    Nothing,
}

/// Where in a body of chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// In the line with a chunk's size.
    Size,
    /// In a chunk, with so many bytes of it to come.
    Data(usize),
    /// In the line's end after a chunk.
    End,
    /// After the last chunk.
    Trailers { so_far: usize },
}

impl ResponseParser {
    /// Nothing of the reply to a request of this method.
    pub(super) fn of(method: &Method) -> ResponseParser {
        ResponseParser {
            bodiless: *method == Method::HEAD,
            partial: Vec::new(),
            head: None,
            body: Body::Whole(Bytes::new()),
            rest: Rest::Head,
            broken: None,
        }
    }

    /// Which rule or limit a broken reply broke, as a noun; `None` where it is not a reply of HTTP/1.
    pub(super) fn broken(&self) -> Option<&'static str> {
        self.broken
    }

    fn breaks(&mut self, rule: &'static str) -> Failure {
        self.broken = Some(rule);
        Failure::Malformed
    }

    fn fails(&mut self, broken: Broken) -> Failure {
        self.broken = broken.rule;
        broken.fault
    }

    /// Whether the head has come; heads of interim replies (1xx) do not count.
    pub(super) fn has_head(&self) -> bool {
        self.head.is_some()
    }

    /// Whether all of it has come.
    pub(super) fn is_whole(&self) -> bool {
        self.rest == Rest::Nothing
    }

    /// Whether another request may be sent after this reply, if it is whole.
    pub(super) fn persists(&self) -> bool {
        self.is_whole() && self.head.as_ref().is_some_and(|head| head.persists)
    }

    /// The reply, once it is whole.
    pub(super) fn into_response(self) -> Option<Response> {
        let Head { code, headers, .. } = self.head.filter(|_| self.rest == Rest::Nothing)?;
        let body = match self.body {
            Body::Whole(bytes) => bytes,
            Body::Pieces(bytes) => bytes.into(),
        };
        Some(Response { status: code, headers, body })
    }

    /// Reads on. A stream of events is whole with its first one.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.take_all(bytes)?;
        if !self.is_whole()
            && let Some(head) = self.head.as_mut().filter(|head| head.is_stream)
            && events::end_of_first(self.body.bytes()).is_some()
        {
            // More follows on this connection, which nobody reads.
            head.persists = false;
            self.rest = Rest::Nothing;
        }
        Ok(())
    }

    fn take_all(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        while self.rest == Rest::Head && !bytes.is_empty() {
            bytes = self.take_head(bytes)?;
        }
        while !bytes.is_empty() {
            bytes = match self.rest {
                Rest::Head => break,
                Rest::Bytes(left) => {
                    let (taken, more) = bytes.split_at(left.min(bytes.len()));
                    self.add(taken)?;
                    self.rest = if taken.len() == left { Rest::Nothing } else { Rest::Bytes(left - taken.len()) };
                    more
                }
                Rest::Chunks { part, extensions } => self.take_chunks(part, extensions, bytes)?,
                Rest::UntilClosed => {
                    self.add(bytes)?;
                    &[]
                }
                Rest::Nothing => {
                    if let Some(head) = &mut self.head {
                        head.persists = false;
                    }
                    &[]
                }
            };
        }
        Ok(())
    }

    /// The peer will send no more.
    pub(super) fn close(&mut self) -> Result<(), Failure> {
        match self.rest {
            Rest::UntilClosed => {
                self.rest = Rest::Nothing;
                Ok(())
            }
            Rest::Nothing => Ok(()),
            Rest::Head | Rest::Bytes(_) | Rest::Chunks { .. } => Err(Failure::Closed),
        }
    }

    /// Reads a head, or more of it; what came behind it.
    fn take_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Failure> {
        let before = self.partial.len();
        // Most heads come in one piece, and are read where they lie.
        let parsed = if before == 0 {
            Start::parse(bytes)
        } else {
            self.partial.extend_from_slice(bytes);
            // A head that drips is looked at once for each line; its first bytes at once, so that what is not HTTP is seen early.
            if before < SHORTEST_HEAD || bytes.contains(&b'\n') { Start::parse(&self.partial) } else { Ok(None) }
        };
        let Some(Start { length, code, minor, headers }) = parsed.map_err(|broken| self.fails(broken))? else {
            if before == 0 {
                self.partial.extend_from_slice(bytes);
            }
            return if self.partial.len() > LARGEST_HEAD { Err(self.breaks(HEAD_TOO_LARGE)) } else { Ok(&[]) };
        };
        self.partial.clear();
        let behind = &bytes[length - before..];
        if !is_interim(code) {
            self.rest = if self.bodiless || matches!(code, 101 | 204 | 304) {
                Rest::Nothing
            } else {
                announced(&headers, minor).map_err(|broken| self.fails(broken))?
            };
            let persists = persists(&headers, minor) && code != 101 && self.rest != Rest::UntilClosed;
            let is_stream = events::is_stream(&headers);
            self.head = Some(Head { code, headers, persists, is_stream });
        }
        Ok(behind)
    }

    fn take_chunks<'a>(&mut self, part: Part, mut extensions: usize, bytes: &'a [u8]) -> Result<&'a [u8], Failure> {
        let taken = match part {
            Part::Data(left) => left.min(bytes.len()),
            Part::Size | Part::End | Part::Trailers { .. } => {
                bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1)
            }
        };
        let (here, more) = bytes.split_at(taken);
        let line_ended = here.ends_with(b"\n");
        let part = match part {
            Part::Size => {
                self.partial.extend_from_slice(here);
                // A size has a digit (RFC 9112, section 7.1): without one, what is read as zero would end a body in its middle.
                if !self.partial[0].is_ascii_hexdigit() {
                    return Err(self.breaks(NO_CHUNK_SIZE));
                }
                if extensions + self.partial.len().saturating_sub(USUAL_SIZE_LINE) > LARGEST_EXTENSIONS {
                    return Err(self.breaks("more than 16 KiB beside the sizes of chunks"));
                }
                match httparse::parse_chunk_size(&self.partial) {
                    Err(_) => return Err(self.breaks(NO_CHUNK_SIZE)),
                    Ok(httparse::Status::Partial) if line_ended => return Err(self.breaks(NO_CHUNK_SIZE)),
                    Ok(httparse::Status::Partial) => Part::Size,
                    Ok(httparse::Status::Complete((_, size))) => {
                        extensions += self.partial.len().saturating_sub(USUAL_SIZE_LINE);
                        self.partial.clear();
                        match usize::try_from(size) {
                            Ok(0) => Part::Trailers { so_far: 0 },
                            Ok(size) if size <= LARGEST_BODY => Part::Data(size),
                            _ => return Err(Failure::TooLarge),
                        }
                    }
                }
            }
            Part::Data(left) => {
                self.add(here)?;
                if here.len() == left { Part::End } else { Part::Data(left - here.len()) }
            }
            Part::End => {
                self.partial.extend_from_slice(here);
                match self.partial.as_slice() {
                    b"\r\n" => {
                        self.partial.clear();
                        Part::Size
                    }
                    b"\r" => Part::End,
                    _ => return Err(self.breaks("a chunk that is longer than its size")),
                }
            }
            Part::Trailers { so_far } => {
                self.partial.extend_from_slice(here);
                let so_far = so_far + here.len();
                if so_far > LARGEST_HEAD {
                    return Err(self.breaks("trailers over 64 KiB"));
                }
                if line_ended {
                    let is_last = self.partial == b"\r\n";
                    if !is_last && !is_field(&self.partial) {
                        return Err(self.breaks("a trailer that is not a header"));
                    }
                    self.partial.clear();
                    if is_last {
                        self.rest = Rest::Nothing;
                        return Ok(more);
                    }
                }
                Part::Trailers { so_far }
            }
        };
        self.rest = Rest::Chunks { part, extensions };
        Ok(more)
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match &mut self.body {
            Body::Whole(first) if first.is_empty() => self.body = Body::Whole(Bytes::copy_from_slice(bytes)),
            Body::Whole(first) => {
                let mut pieces = Vec::with_capacity(2 * (first.len() + bytes.len()));
                pieces.extend_from_slice(first);
                pieces.extend_from_slice(bytes);
                self.body = Body::Pieces(pieces);
            }
            Body::Pieces(pieces) => pieces.extend_from_slice(bytes),
        }
        if self.length() > LARGEST_BODY { Err(Failure::TooLarge) } else { Ok(()) }
    }

    fn length(&self) -> usize {
        self.body.bytes().len()
    }
}

impl Body {
    fn bytes(&self) -> &[u8] {
        match self {
            Body::Whole(bytes) => bytes,
            Body::Pieces(bytes) => bytes,
        }
    }
}

impl Start {
    /// The head at the beginning of these bytes; `None` if it is not whole.
    fn parse(bytes: &[u8]) -> Result<Option<Start>, Broken> {
        let mut headers = [const { std::mem::MaybeUninit::uninit() }; MOST_HEADERS];
        let mut parsed = httparse::Response::new(&mut []);
        let status = httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, bytes, &mut headers);
        let httparse::Status::Complete(length) = status.map_err(|error| broken_head(bytes, error))? else { return Ok(None) };
        if length > LARGEST_HEAD {
            return Err(Broken::rule(HEAD_TOO_LARGE));
        }
        let code = parsed.code.filter(|code| StatusCode::from_u16(*code).is_ok()).ok_or(Broken::rule("a status code below 100"))?;
        // One copy that all values share.
        let head = Bytes::copy_from_slice(&bytes[..length]);
        let mut map = HeaderMap::with_capacity(parsed.headers.len());
        for header in parsed.headers.iter() {
            let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| Broken::rule(NO_HEADER_NAME))?;
            let at = header.value.as_ptr() as usize - bytes.as_ptr() as usize;
            let value = HeaderValue::from_maybe_shared(head.slice(at..at + header.value.len()));
            map.append(name, value.map_err(|_| Broken::rule(NO_HEADER_VALUE))?);
        }
        Ok(Some(Start { length, code, minor: parsed.version.unwrap_or_default(), headers: map }))
    }
}

const HEAD_TOO_LARGE: &str = "a head over 64 KiB";
const NO_HEADER_NAME: &str = "a header with a name that is none";
const NO_HEADER_VALUE: &str = "a control character in a header";
const NO_CHUNK_SIZE: &str = "a chunk without a size";

/// What is wrong with a head that the parser does not take; of no rule where it is not a head of HTTP/1.
fn broken_head(bytes: &[u8], error: httparse::Error) -> Broken {
    let fault = Failure::Malformed;
    if !bytes.starts_with(b"HTTP/1.") {
        return Broken { fault, rule: None };
    }
    let rule = match error {
        httparse::Error::TooManyHeaders => "more than 100 headers",
        httparse::Error::HeaderName => broken_name(bytes),
        httparse::Error::HeaderValue => NO_HEADER_VALUE,
        httparse::Error::NewLine => "a line that ends with a carriage return alone",
        _ => "a status line that is none",
    };
    Broken { fault, rule: Some(rule) }
}

/// What is wrong with the first header whose name the parser does not take.
fn broken_name(head: &[u8]) -> &'static str {
    let is_blank = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b' ' | b'\t'));
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let colon = memchr::memchr(b':', line);
        match colon {
            _ if is_blank(line.first()) => return "a folded header",
            Some(colon) if is_blank(line[..colon].last()) => return "a space before the colon of a header",
            Some(colon) if HeaderName::from_bytes(&line[..colon]).is_ok() => {}
            _ => return NO_HEADER_NAME,
        }
    }
    NO_HEADER_NAME
}

/// Below this a head is looked at with every byte.
const SHORTEST_HEAD: usize = 64;

/// A reply before the reply (RFC 9110, section 15.2). A switch of protocols that nobody asked for is none: HTTP ends with it.
fn is_interim(code: u16) -> bool {
    (100..200).contains(&code) && code != 101
}

/// How much body the head announces (RFC 9112, section 6.3).
fn announced(headers: &HeaderMap, minor: u8) -> Result<Rest, Broken> {
    if headers.contains_key(TRANSFER_ENCODING) && !is_identity(headers) {
        let mut encodings = words(headers, &TRANSFER_ENCODING);
        let only_chunks = encodings.next().is_some_and(|word| word.eq_ignore_ascii_case(b"chunked")) && encodings.next().is_none();
        // No other encoding was asked for; and HTTP/1.0 has none (section 6.1).
        let chunks = Rest::Chunks { part: Part::Size, extensions: 0 };
        return if only_chunks && minor > 0 { Ok(chunks) } else { Err(Broken::rule("a `Transfer-Encoding` that was not asked for")) };
    }
    if !headers.contains_key(CONTENT_LENGTH) {
        return Ok(Rest::UntilClosed);
    }
    // A length that was given twice, in one line or in two, is one if both are the same (RFC 9110, section 8.6).
    let mut lengths = words(headers, &CONTENT_LENGTH).map(number);
    let first = lengths.next().flatten();
    let length =
        first.filter(|first| lengths.all(|other| other == Some(*first))).ok_or(Broken::rule("a `Content-Length` that is no one number"))?;
    match usize::try_from(length) {
        Ok(0) => Ok(Rest::Nothing),
        Ok(length) if length <= LARGEST_BODY => Ok(Rest::Bytes(length)),
        _ => Err(Broken { fault: Failure::TooLarge, rule: None }),
    }
}

/// Whether the body is as it is: `identity` is what servers of the time before RFC 7230 say, and means that nothing was done.
fn is_identity(headers: &HeaderMap) -> bool {
    words(headers, &TRANSFER_ENCODING).all(|word| word.eq_ignore_ascii_case(b"identity"))
}

/// Whether a line after the last chunk is a field (RFC 9112, sections 5 and 7.1.2).
fn is_field(line: &[u8]) -> bool {
    let Some(line) = line.strip_suffix(b"\r\n") else { return false };
    let Some(colon) = memchr::memchr(b':', line) else { return false };
    HeaderName::from_bytes(&line[..colon]).is_ok() && HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).is_ok()
}

/// Whether the connection may be used again (RFC 9112, section 9.3). With a length beside chunks somebody on the way might have
/// read by the other one.
fn persists(headers: &HeaderMap, minor: u8) -> bool {
    let says = |wanted: &[u8]| words(headers, &CONNECTION).any(|word| word.eq_ignore_ascii_case(wanted));
    let ambiguous = headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) && !is_identity(headers);
    !ambiguous && !says(b"close") && (minor > 0 || says(b"keep-alive"))
}

/// The elements of a header that is a list with commas.
fn words<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    headers.get_all(name).into_iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

/// A number of digits alone.
fn number(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What comes of a reply that arrives in these pieces, after which the peer closes.
    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<(Response, bool), Failure> {
        let mut parser = ResponseParser::of(&Method::GET);
        for piece in pieces {
            parser.take(piece)?;
        }
        let persists = parser.persists();
        parser.close()?;
        let response = parser.into_response().ok_or(Failure::Closed)?;
        Ok((response, persists))
    }

    fn read_at_once(reply: &str) -> Result<(u16, String, bool), Failure> {
        let (response, persists) = read([reply.as_bytes()])?;
        Ok((response.status, String::from_utf8_lossy(&response.body).into_owned(), persists))
    }

    #[test]
    fn a_body_ends_where_its_head_says() {
        for (reply, body, persists) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhigh", "hi", false),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, Close\r\n\r\nhi", "hi", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\nhi", "hi", true),
            ("HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end", false),
            ("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", "", true),
            ("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", "", true),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\nwhatever", "", false),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "hi", true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n2;c\r\ngh\r\n0\r\nX: y\r\n\r\n", "high", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "hi", false),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n002 \t;a\r\nhi\r\n000\r\n\r\n", "hi", true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0;a=\"b\"\r\nX:\r\n\r\n", "hi", true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi", "hi", true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Identity\r\n\r\nuntil the end", "until the end", false),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi", "hi", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", "hi", true),
            ("HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi", true),
        ] {
            let (_, told, persisted) = read_at_once(reply).unwrap_or_else(|fault| panic!("{reply}: {fault:?}"));
            assert_eq!((told.as_str(), persisted), (body, persists), "{reply}");
        }
    }

    #[test]
    fn a_reply_to_head_has_no_body() {
        let mut parser = ResponseParser::of(&Method::HEAD);
        parser.take(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").expect("a head");
        assert!(parser.is_whole() && parser.persists());
    }

    #[test]
    fn a_broken_head_says_which_rule_or_limit_it_breaks() {
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-1: 1\r\n".repeat(150));
        let large = format!("HTTP/1.1 200 OK\r\nX-B: {}\r\n\r\n", "a".repeat(70_000));
        for (reply, rule) in [
            (many.as_str(), Some("more than 100 headers")),
            (&large, Some("a head over 64 KiB")),
            (&large[..66_000], Some("a head over 64 KiB")),
            ("HTTP/1.1 200 OK\r\nX-A: b\r\n  c\r\nContent-Length: 2\r\n\r\nhi", Some("a folded header")),
            ("HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi", Some("a space before the colon of a header")),
            ("HTTP/1.1 200 OK\r\nContent Length: 2\r\n\r\nhi", Some("a header with a name that is none")),
            ("HTTP/1.1 200 OK\r\nX: a\x01b\r\n\r\n", Some("a control character in a header")),
            ("HTTP/1.1 two OK\r\n\r\n", Some("a status line that is none")),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Some("a `Transfer-Encoding` that was not asked for")),
            ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi", Some("a `Content-Length` that is no one number")),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n", Some("a chunk without a size")),
            ("SSH-2.0-OpenSSH_9.2\r\n", None),
        ] {
            let mut parser = ResponseParser::of(&Method::GET);
            assert_eq!(parser.take(reply.as_bytes()), Err(Failure::Malformed), "{}", reply.escape_debug());
            assert_eq!(parser.broken(), rule, "{}", reply.escape_debug());
        }
    }

    #[test]
    fn a_reply_that_can_be_read_in_two_ways_is_read_in_none() {
        for (fault, reply) in [
            (Failure::Malformed, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"),
            (Failure::Malformed, "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi"),
            (Failure::Malformed, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
            (Failure::Malformed, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
            (Failure::Malformed, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            (Failure::Malformed, "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\nContent-Length: 2\r\n\r\nhi"),
            (Failure::Malformed, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\n0\r\n\r\n"),
            (Failure::Malformed, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nhi\r\n0\r\n\r\n"),
            (Failure::Malformed, "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nhi!"),
            (Failure::Malformed, "HTTP/1.1 200 OK\r\nContent-Length: 2,\r\n\r\nhi"),
            (Failure::Malformed, "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhi"),
            (Failure::Malformed, "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"),
            (Failure::Malformed, "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
            (Failure::Closed, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi"),
            (Failure::Closed, "HTTP/1.1 200 OK\r\nContent-Le"),
            (Failure::Closed, "HTTP/1.1 100 Continue\r\n\r\n"),
            (Failure::TooLarge, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\nhi"),
        ] {
            assert_eq!(read_at_once(reply).expect_err(reply), fault, "{reply}");
        }
    }

    #[test]
    fn a_chunk_without_a_whole_size_or_end_is_none() {
        const HEAD: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n";
        let sizes = [
            "",
            " ",
            "\t",
            ";x",
            ";",
            " ;x=y",
            "\n",
            "x",
            "0x0",
            "0x2",
            "-0",
            "-2",
            "+0",
            "+2",
            " 0",
            "\t2",
            "g",
            "_0",
            "0_0",
            "2 2",
            "2\r",
            "0\r",
            ".0",
            "0.",
            "00000000000000000",
            "10000000000000002",
            "fffffffffffffffff",
            "0\0",
            "\u{ff10}",
            "\"0\"",
        ];
        for size in sizes {
            for end in ["\r\n", "\n", "\r\n\r\n", "\r\nab\r\n0\r\n\r\n"] {
                let reply = format!("{HEAD}{size}{end}");
                assert!(read_at_once(&reply).is_err(), "{size:?} {end:?}");
                assert!(read(reply.as_bytes().chunks(1)).is_err(), "{size:?} {end:?} byte by byte");
            }
        }
        for end in [
            "0\n\r\n",
            "0\r\n\n",
            "0\r\nX: y\n\r\n",
            "0\r\nX: y\r\n\n",
            "0\r\n{\r\n\r\n",
            "0\r\n x\r\n\r\n",
            "0\r\nX y: z\r\n\r\n",
            "0\r\n\r\r\n",
            "0\r\n",
            "0",
        ] {
            let reply = format!("{HEAD}{end}");
            assert!(read_at_once(&reply).is_err(), "{end:?}");
        }
    }

    #[test]
    fn a_body_in_many_small_chunks_is_bounded_like_any_other() {
        let mut parser = ResponseParser::of(&Method::GET);
        parser.take(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").expect("a head");
        let thousand = b"1\r\nx\r\n".repeat(1000);
        let taken = (0..2000).take_while(|_| parser.take(&thousand).is_ok()).count();
        assert_eq!(taken, LARGEST_BODY / 1000);
    }

    /// Replies that are whole, whatever else is strange about them.
    fn replies() -> impl Strategy<Value = Vec<u8>> {
        let body = proptest::collection::vec(any::<u8>(), 0..300);
        let headers = proptest::collection::vec(("X-[a-z]{1,9}", "[ -~]{0,40}"), 0..6);
        let chunks = proptest::collection::vec(1..50_usize, 0..20);
        (200..600_u16, headers, body, proptest::option::of(chunks), 0..3_usize).prop_map(|(code, headers, body, chunks, hints)| {
            let mut reply = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".repeat(hints);
            reply.extend(format!("HTTP/1.1 {code} Fine\r\n").into_bytes());
            for (name, value) in headers {
                reply.extend(format!("{name}: {value}\r\n").into_bytes());
            }
            if matches!(code, 204 | 304) {
                reply.extend(b"\r\n");
                return reply;
            }
            let Some(sizes) = chunks else {
                reply.extend(format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes());
                reply.extend(body);
                return reply;
            };
            reply.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            let mut left = body.as_slice();
            for size in sizes {
                let (chunk, more) = left.split_at(size.min(left.len()));
                left = more;
                if !chunk.is_empty() {
                    reply.extend(format!("{:X};x=y\r\n", chunk.len()).into_bytes());
                    reply.extend(chunk);
                    reply.extend(b"\r\n");
                }
            }
            reply.extend(b"0\r\nX-Sum: 1\r\n\r\n");
            reply
        })
    }

    /// What hyper makes of a reply: the code, the headers and the body.
    async fn by_hyper(reply: Vec<u8>) -> Option<(u16, HeaderMap, Bytes)> {
        use http_body_util::{BodyExt, Empty};
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (here, mut there) = tokio::io::duplex(1 << 16);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(here)).await.ok()?;
        let server = async {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                there.read_buf(&mut request).await.ok()?;
            }
            there.write_all(&reply).await.ok()?;
            there.shutdown().await.ok()
        };
        let client = async {
            let request = http::Request::get("/").header("host", "x").body(Empty::<Bytes>::new()).ok()?;
            let (parts, body) = sender.send_request(request).await.ok()?.into_parts();
            Some((parts.status.as_u16(), parts.headers, body.collect().await.ok()?.to_bytes()))
        };
        futures_util::future::join3(server, client, connection).await.1
    }

    proptest! {
        #[test]
        fn a_reply_means_the_same_in_whatever_pieces_it_comes(
            reply in replies(),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let (whole, persists) = read([reply.as_slice()]).expect("a reply");
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(reply.len())).chain([0, reply.len()]).collect();
            ends.sort_unstable();
            let (in_pieces, also) = read(ends.windows(2).map(|ends| &reply[ends[0]..ends[1]])).expect("the same reply");
            let (by_byte, _) = read(reply.chunks(1)).expect("the same reply");
            for other in [in_pieces, by_byte] {
                prop_assert_eq!((other.status, &other.headers, &other.body), (whole.status, &whole.headers, &whole.body));
            }
            prop_assert_eq!(also, persists);
        }

        #[test]
        fn hyper_reads_the_same(reply in replies()) {
            let (ours, _) = read([reply.as_slice()]).expect("a reply");
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let theirs = runtime.block_on(by_hyper(reply)).expect("a reply");
            prop_assert_eq!((ours.status, ours.headers, ours.body), theirs);
        }

        #[test]
        fn hyper_reads_no_chunks_otherwise_that_are_read_at_all(
            size in prop::sample::select(vec!["2", "02", "", ";", " ", "2;x", "2 ", "0x2", "-2", "2\t;x=y", "g", "\u{a0}2", "2\n"]),
            last in prop::sample::select(vec!["0", "000", "", ";", "\t", "0;x", "0x0", "-0", "0 "]),
            end in prop::sample::select(vec!["\r\n\r\n", "\r\nX: y\r\n\r\n", "\n\r\n", "\r\n", "\r\n\n", ""]),
        ) {
            let reply = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\nhi\r\n{last}{end}").into_bytes();
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            if let Ok((ours, _)) = read([reply.as_slice()]) {
                let theirs = runtime.block_on(by_hyper(reply.clone()));
                prop_assert!(size.starts_with(|c: char| c.is_ascii_hexdigit()) && last.starts_with('0'), "{:?}", String::from_utf8_lossy(&reply));
                prop_assert_eq!(theirs.map(|(status, _, body)| (status, body)), Some((ours.status, ours.body)));
            }
        }

        #[test]
        fn no_bytes_are_too_strange(
            begin in prop::sample::select(vec!["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]),
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\r\n0123:;,af HTP/.".to_vec())], 0..400),
        ) {
            // Whether it is a reply does not matter, only that it is one in every piece or in none.
            let at_once = [begin.as_bytes(), &bytes].concat();
            let read_as = |result: Result<(Response, bool), Failure>| result.map(|(response, _)| (response.status, response.body)).ok();
            prop_assert_eq!(read_as(read([at_once.as_slice()])), read_as(read(at_once.chunks(1))));
        }
    }
}
