//! What can be seen of a target from outside: the requests it builds, what it makes of replies, how it complains.

mod files;
mod goldens;
mod initiates;
mod properties;
mod replies;
mod requests;
mod routes;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Accepted, Reading, Reply, Target, Variables};
use crate::model::source::{InputError, Source};

/// The least that a target file must have, with more text after `[status]`.
fn file(status: &str) -> String {
    format!(
        "name = 'small'\nbase_url = 'http://localhost:8080'\n[initiate]\npath = '/jobs'\nid = {{ pointer = '/id' }}\n[status]\n{status}\n"
    )
}

fn read(text: &str) -> Result<Target, InputError> {
    let environment = |name: &str| match name {
        "TOKEN" => Some("s3cret-token".to_owned()),
        "BRACES" => Some("{id} ${TOKEN} \"".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    Target::read(Source { file: "small.toml", text }, &environment)
}

fn target(text: &str) -> Target {
    read(text).unwrap_or_else(|error| panic!("{error}"))
}

fn variables() -> Variables {
    Variables { n: 7, uuid: "00ff".to_owned(), nonce: 3, ..Variables::default() }
}

fn accepted(id: &str) -> Accepted {
    Accepted { id: id.to_owned(), ..Accepted::default() }
}

fn handed_out(id: &str, address: &str) -> Accepted {
    Accepted { handed_out: Some(address.to_owned()), ..accepted(id) }
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().expect("a header name"), HeaderValue::from_str(value).expect("a header value")))
        .collect()
}

/// What `target` makes of a status reply about the scan `j1`.
fn status(target: &Target, http: u16, body: &[u8]) -> Reading {
    let headers = HeaderMap::new();
    target.read_status(&Reply { http, headers: &headers, body }, "j1")
}
