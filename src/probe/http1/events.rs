//! Whether a reply is a stream of server-sent events, by its headers.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::model::events;

pub(crate) use events::end_of_first;

/// Whether a reply is such a stream.
pub(crate) fn is_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(events::is_stream)
}
