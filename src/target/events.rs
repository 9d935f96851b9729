//! A reply that is a stream of server-sent events (WHATWG HTML, section 9.2): its first event that has data is what it says.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// The data of the first event, if the reply is such a stream and has one.
pub(super) fn first_data(headers: &HeaderMap, body: &[u8]) -> Option<Vec<u8>> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    if !kind.split(';').next()?.trim().eq_ignore_ascii_case("text/event-stream") {
        return None;
    }
    let text = String::from_utf8_lossy(body).replace("\r\n", "\n").replace('\r', "\n");
    let mut data: Option<Vec<&str>> = None;
    for line in text.split('\n') {
        if line.is_empty() && data.is_some() {
            break;
        }
        let value = if line == "data" { Some("") } else { line.strip_prefix("data:") };
        if let Some(value) = value {
            data.get_or_insert_default().push(value.strip_prefix(' ').unwrap_or(value));
        }
    }
    data.map(|lines| lines.join("\n").into_bytes())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_first_event_with_data_speaks_for_the_reply() {
        let mut headers = HeaderMap::new();
        assert_eq!(first_data(&headers, b"data: 1\n\n"), None, "it is no stream");
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream;charset=utf-8"));
        for (stream, data) in [
            ("data: {\"a\":1}\n\ndata: {\"a\":2}\n\n", Some("{\"a\":1}")),
            (": beat\r\n\r\nevent: x\r\nid: 7\r\ndata: {\r\ndata:}\r\n\r\n", Some("{\n}")),
            ("event: x\n\n", None),
        ] {
            assert_eq!(first_data(&headers, stream.as_bytes()), data.map(|data| data.as_bytes().to_vec()), "{stream:?}");
        }
    }
}
