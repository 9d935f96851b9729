//! An exchange as text, as curl shows it: what was asked, what was answered, without secrets.

use std::fmt::Write as _;

use http::HeaderMap;

use crate::model::contact::{QUOTED, visible};
use crate::model::exchange::Exchange;
use crate::model::limits::cut;
use crate::model::secret_names::is_credential;
use crate::model::time::Stamp;
use crate::probe::record::Recorder;
use crate::probe::transport::{AsSent, Prepared, Received};

/// Whom exchanges are shown to. It must return at once.
pub trait Tracing: Send + Sync {
    /// Takes one exchange, as several lines.
    fn exchange(&self, text: String);
}

/// So many headers of each side are shown.
const HEADERS: usize = 30;

/// An exchange; `born` is t = 0 of its scan.
pub(crate) fn text(
    recorder: &Recorder,
    exchange: &Exchange,
    request: Option<&Prepared>,
    born: Option<Stamp>,
    reply: Option<&Received>,
) -> String {
    let mut text = format!("* {:.3} s  {}", exchange.sent.0 as f64 / 1e9, exchange.kind.word());
    // Writing to a String cannot fail.
    if let Some(scan) = exchange.scan.get() {
        let _ = write!(text, "  scan {scan}");
    }
    if let Some(born) = born {
        let _ = write!(text, "  age {:.1} ms", exchange.sent.since(born).as_ms());
    }
    if let Some(conn) = exchange.conn.get() {
        let new = if exchange.new_conn == Some(true) { " (new)" } else { "" };
        let _ = write!(text, "  connection {conn}{new}");
    }
    match request {
        Some(request) => asked(&mut text, recorder, request),
        None => text.push_str("\n> not sent: the request could not be made"),
    }
    let took = exchange.round_trip().as_secs_f64() * 1e3;
    match reply {
        None => {
            let _ = write!(text, "\n< no answer after {took:.1} ms: {}", exchange.told());
        }
        Some(reply) => {
            let _ = write!(text, "\n< {} in {took:.1} ms: {}", reply.http, visible(&exchange.told()));
            headers(&mut text, '<', recorder, &reply.headers);
            body(&mut text, '<', recorder, &reply.body);
        }
    }
    text
}

fn asked(text: &mut String, recorder: &Recorder, request: &Prepared) {
    let line = |text: &mut String, line: &str| {
        let _ = write!(text, "\n> {}", visible(&cut(recorder.without_secrets(line.to_owned()), 2 * QUOTED)));
    };
    match request.as_sent() {
        AsSent::Bytes(bytes) => {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
            let head = String::from_utf8_lossy(&bytes[..end]);
            let mut lines = head.split("\r\n");
            line(text, lines.next().unwrap_or_default());
            for header_line in lines.take(HEADERS) {
                let (name, value) = header_line.split_once(": ").unwrap_or((header_line, ""));
                header(text, '>', name, &visible(&cut(recorder.without_secrets(value.to_owned()), QUOTED)));
            }
            body(text, '>', recorder, bytes.get(end + 4..).unwrap_or_default());
        }
        AsSent::Message { method, uri, headers: sent, body: sent_body } => {
            line(text, &format!("{method} {uri} HTTP/2"));
            headers(text, '>', recorder, sent);
            body(text, '>', recorder, sent_body);
        }
    }
}

fn body(text: &mut String, side: char, recorder: &Recorder, body: &[u8]) {
    if !body.is_empty() {
        let body = recorder.without_secrets(String::from_utf8_lossy(body).into_owned());
        let _ = write!(text, "\n{side} {}", visible(&cut(body, QUOTED)));
    }
}

fn headers(text: &mut String, side: char, recorder: &Recorder, headers: &HeaderMap) {
    for (name, value) in headers.iter().take(HEADERS) {
        let value = recorder.without_secrets(String::from_utf8_lossy(value.as_bytes()).into_owned());
        header(text, side, name.as_str(), &visible(&cut(value, QUOTED)));
    }
}

fn header(text: &mut String, side: char, name: &str, value: &str) {
    let value = if is_credential(name) { "[secret]" } else { value };
    let _ = write!(text, "\n{side} {name}: {value}");
}
