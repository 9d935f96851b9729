//! Class L: ids with characters that mean something in a URL, and a front that decodes paths before it routes them.

use std::fmt::Write as _;

use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use rand::RngExt as _;

use crate::service::chance::RandomStream;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A tail as base64 makes them, always with a slash, a plus and padding.
pub(crate) fn special_tail(dice: &mut RandomStream) -> String {
    let mut letter = || BASE64[dice.random_range(0..62)] as char;
    format!("{}/{}+{}=", letter(), letter(), letter())
}

/// Percent-encodes a path segment (RFC 3986: all but unreserved characters).
pub(crate) fn encode_segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte as char);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// What the front makes of an address: the rewritten one, or its own 404 where the decoded path has a segment too many.
pub(crate) fn decode_early(uri: &Uri) -> Result<Uri, Box<Response>> {
    let path = uri.path();
    if path.to_ascii_lowercase().contains("%2f") || path.trim_start_matches('/').split('/').count() > SEGMENTS {
        let body = format!("404 page not found: {}\n", path.replace("%2F", "/").replace("%2f", "/"));
        let answer = (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body);
        return Err(Box::new(answer.into_response()));
    }
    if !path.contains('+') && !path.to_ascii_lowercase().contains("%2b") {
        return Ok(uri.clone());
    }
    let spaced = path.replace("%2B", "+").replace("%2b", "+").replace('+', "%20");
    let rewritten = match uri.query() {
        Some(query) => format!("{spaced}?{query}"),
        None => spaced,
    };
    // Replacing characters of a path by an escape leaves a path.
    Ok(rewritten.parse().unwrap_or_else(|_| uri.clone()))
}

/// `api/v1/opportunities/status/ID` is the deepest route.
const SEGMENTS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_spoils_only_addresses_with_special_characters() {
        for (address, expected) in [
            ("/api/v1/opportunities/status/scan_1", Some("/api/v1/opportunities/status/scan_1")),
            ("/api/v1/opportunities/status/scan_1?x=a+b", Some("/api/v1/opportunities/status/scan_1?x=a+b")),
            ("/api/v1/opportunities/status/a%2Bb", Some("/api/v1/opportunities/status/a%20b")),
            ("/api/v1/opportunities/status/a%2Fb", None),
            ("/api/v1/opportunities/status/a/b", None),
        ] {
            let uri: Uri = address.parse().expect("an address of the table");
            let decoded = decode_early(&uri).ok().map(|uri| uri.to_string());
            assert_eq!(decoded.as_deref(), expected, "{address}");
        }
    }
}
