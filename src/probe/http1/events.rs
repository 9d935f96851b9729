//! Streams of server-sent events (WHATWG HTML, section 9.2): such a reply has no end, and its first event is the answer.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Whether a reply is such a stream.
pub(crate) fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/event-stream")
}

/// Where the first event that has data ends; `None` while it is not whole.
pub(crate) fn end_of_first(stream: &[u8]) -> Option<usize> {
    let mut has_data = false;
    let mut at = 0;
    while let Some((line, after)) = line(stream, at) {
        if line.is_empty() {
            if has_data {
                return Some(after);
            }
        } else if line.starts_with(b"data:") || line == b"data" {
            has_data = true;
        }
        at = after;
    }
    None
}

/// The line that begins here, and where the next one does; `None` while it has no end. A line ends with CR LF, LF or CR.
fn line(stream: &[u8], from: usize) -> Option<(&[u8], usize)> {
    let rest = &stream[from..];
    let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
    let ending = if rest[end] == b'\r' && rest.get(end + 1) == Some(&b'\n') { 2 } else { 1 };
    Some((&rest[..end], from + end + ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_event_with_data_ends_the_answer() {
        for (stream, end) in [
            ("data: 1\n\ndata: 2\n\n", Some(9)),
            ("data: 1\r\n\r\n", Some(11)),
            (": hello\n\nevent: x\ndata: 1\ndata: 2\n\nmore", Some(35)),
            ("event: x\n\n", None),
            ("data: 1\n", None),
            ("data: 1", None),
            ("dataset: 1\n\n", None),
            ("", None),
        ] {
            assert_eq!(end_of_first(stream.as_bytes()), end, "{stream:?}");
        }
    }

    #[test]
    fn a_stream_is_told_by_its_type() {
        for (kind, expected) in [("text/event-stream", true), ("Text/Event-Stream; charset=utf-8", true), ("text/event", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
            assert_eq!(is_stream(&headers), expected, "{kind}");
        }
        assert!(!is_stream(&HeaderMap::new()));
    }
}
