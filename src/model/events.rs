//! Streams of server-sent events (WHATWG HTML, section 9.2): such a reply may have no end, and its first event that says something is
//! the answer.

use std::borrow::Cow;

/// Names of events that only keep a connection open.
const KEEPS_OPEN: &[&str] = &["ping", "heartbeat", "keepalive", "keep-alive", "keep_alive"];

/// An event.
#[derive(Debug, Default)]
struct Event {
    name: String,
    data: Option<String>,
    /// Where the next one begins.
    end: usize,
    /// Whether the empty line behind it has arrived.
    is_whole: bool,
}

impl Event {
    /// Comments, empty data and heartbeats say nothing.
    fn says_something(&self) -> bool {
        self.data.as_ref().is_some_and(|data| !data.trim().is_empty()) && !KEEPS_OPEN.contains(&self.name.to_ascii_lowercase().as_str())
    }
}

/// Whether a reply of this type is such a stream.
pub fn is_stream(content_type: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/event-stream")
}

/// Where the first event ends that says something; `None` while it is not whole.
pub fn end_of_first(stream: &[u8]) -> Option<usize> {
    first(stream).filter(|event| event.is_whole).map(|event| event.end)
}

/// What a body of this type says: of a stream of events the data of the first one that says something, also where the stream ends
/// within it; anything else as it is.
pub fn content<'a>(content_type: &str, body: &'a [u8]) -> Cow<'a, [u8]> {
    let event = if is_stream(content_type) { first_data(body) } else { None };
    event.map_or(Cow::Borrowed(body), Cow::Owned)
}

fn first_data(stream: &[u8]) -> Option<Vec<u8>> {
    first(stream).and_then(|event| event.data).map(String::into_bytes)
}

fn first(stream: &[u8]) -> Option<Event> {
    let mut at = if stream.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    while at < stream.len() {
        let event = event(stream, at);
        if event.says_something() {
            return Some(event);
        }
        at = event.end;
    }
    None
}

/// The event that begins here.
fn event(stream: &[u8], from: usize) -> Event {
    let mut event = Event { end: stream.len(), ..Event::default() };
    let mut at = from;
    while at < stream.len() {
        let (line, after) = line(stream, at);
        at = after.unwrap_or(stream.len());
        if line.is_empty() && after.is_some() {
            return Event { end: at, is_whole: true, ..event };
        }
        let line = String::from_utf8_lossy(line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut event.name),
            "data" => match &mut event.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => event.data = Some(value.to_owned()),
            },
            _ => {}
        }
    }
    event
}

/// The line that begins here, and where the next one does; `None` while it has no end. A line ends with CR LF, LF or CR.
fn line(stream: &[u8], from: usize) -> (&[u8], Option<usize>) {
    let rest = &stream[from..];
    let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else { return (rest, None) };
    let ending = if rest[end] == b'\r' && rest.get(end + 1) == Some(&b'\n') { 2 } else { 1 };
    (&rest[..end], Some(from + end + ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_event_that_says_something_is_the_answer() {
        for (stream, end, data) in [
            ("data: 1\n\ndata: 2\n\n", Some(9), Some("1")),
            ("data: 1\r\n\r\n", Some(11), Some("1")),
            (": hello\n\nevent: x\ndata: 1\ndata: 2\n\nmore", Some(35), Some("1\n2")),
            (": beat\r\n\r\nevent: x\r\nid: 7\r\ndata: {\r\ndata:}\r\n\r\n", Some(46), Some("{\n}")),
            ("event: ping\ndata: {}\n\ndata: 1\n\n", Some(31), Some("1")),
            ("event: Heartbeat\ndata: {}\n\n", None, None),
            ("data:\n\ndata: 1\n\n", Some(16), Some("1")),
            ("\u{feff}data: 1\n\n", Some(12), Some("1")),
            ("retry: 3000\n\nevent: x\n\n", None, None),
            // It is not whole yet; if the stream ends here, it is all there is.
            ("data: 1\n", None, Some("1")),
            ("data: 1", None, Some("1")),
            ("dataset: 1\n\n", None, None),
            ("", None, None),
        ] {
            assert_eq!(end_of_first(stream.as_bytes()), end, "{stream:?}");
            assert_eq!(first_data(stream.as_bytes()), data.map(|data| data.as_bytes().to_vec()), "{stream:?}");
        }
    }

    #[test]
    fn a_stream_is_known_by_its_type() {
        for (kind, expected) in
            [("text/event-stream", true), ("Text/Event-Stream; charset=utf-8", true), ("text/event", false), ("", false)]
        {
            assert_eq!(is_stream(kind), expected, "{kind}");
        }
    }
}
