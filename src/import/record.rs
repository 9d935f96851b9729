//! One recorded request, whatever the file it stood in.

use http::{HeaderMap, HeaderName, HeaderValue};

/// One recorded request with its reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// When it was sent, in ns since 1970: the earliest instant that the stamp allows.
    pub from: i64,
    /// When it had been answered, likewise the earliest.
    pub done: i64,
    /// How much later both may have been.
    pub step: i64,
    /// Whether the recording says how long it took.
    pub timed: bool,
    /// The method.
    pub method: String,
    /// The address, whole or as a path.
    pub url: String,
    /// The HTTP status code; `None` where no reply came.
    pub http: Option<u16>,
    /// The request's headers, as far as they were recorded.
    pub asked_with: HeaderMap,
    /// The reply's headers, as far as they were recorded.
    pub headers: HeaderMap,
    /// The reply's body, if it was recorded.
    pub body: Option<Vec<u8>>,
    /// The id that the reply handed out, where the recording says it by itself.
    pub id: Option<String>,
    /// Which client sent it.
    pub client: Option<String>,
    /// Which user sent it.
    pub user: Option<String>,
    /// Which worker answered.
    pub worker: Option<String>,
    /// Which connection carried it.
    pub connection: Option<String>,
}

impl Record {
    /// A request without anything that need not be there.
    pub fn new(method: &str, url: &str, http: Option<u16>) -> Record {
        Record {
            from: 0,
            done: 0,
            step: 0,
            timed: false,
            method: method.to_owned(),
            url: url.to_owned(),
            http,
            asked_with: HeaderMap::new(),
            headers: HeaderMap::new(),
            body: None,
            id: None,
            client: None,
            user: None,
            worker: None,
            connection: None,
        }
    }
}

/// Takes a header over; one that HTTP would not allow is left out.
pub fn add_header(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
        headers.append(name, value);
    }
}

/// A status code; 0 and other impossible ones mean that no reply came.
pub fn code(http: i64) -> Option<u16> {
    u16::try_from(http).ok().filter(|code| (100..1000).contains(code))
}
