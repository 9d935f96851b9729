//! The requests of an HTTP Archive, with their answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::DraftError;
use super::marks::unmarked;
use crate::model::call::{Answered, Call};

#[derive(Deserialize)]
struct Archive {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Value>,
}

#[derive(Deserialize)]
struct Entry {
    request: Request,
    response: Option<Response>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
struct PostData {
    text: Option<String>,
    #[serde(default)]
    params: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    value: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    status: i64,
    #[serde(default)]
    headers: Vec<Pair>,
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Content {
    text: Option<String>,
    encoding: Option<String>,
}

/// The requests of an archive, in their order. Entries that cannot be read are left out: one of a browser's thousand is no reason to
/// refuse the others.
pub fn calls(text: &str) -> Result<Vec<Call>, DraftError> {
    let way_out = "export it from the browser's network tab (\"Save all as HAR with content\")";
    let text = text.trim_start_matches('\u{feff}');
    let archive: Archive =
        serde_json::from_str(text).map_err(|error| DraftError::new(format!("this is not an HTTP Archive: {error}"), way_out))?;
    let of = archive.log.entries.len();
    let calls: Vec<Call> = archive.log.entries.into_iter().filter_map(|entry| Entry::deserialize(entry).ok()).map(call).collect();
    if calls.is_empty() {
        return Err(DraftError::new(format!("none of the archive's {of} entries can be read"), way_out));
    }
    Ok(calls)
}

fn call(entry: Entry) -> Call {
    let pairs = |pairs: Vec<Pair>| -> Vec<(String, String)> {
        // Names that begin with a colon are HTTP/2's own.
        let own = pairs.into_iter().filter(|pair| !pair.name.starts_with(':'));
        own.map(|pair| (unmarked(&pair.name), unmarked(&pair.value))).collect()
    };
    let answer = entry.response.filter(|response| (100..600).contains(&response.status)).map(|response| Answered {
        http: response.status as u16,
        headers: pairs(response.headers),
        body: response.content.map(Content::bytes).unwrap_or_default(),
    });
    Call {
        method: entry.request.method.to_ascii_uppercase(),
        url: unmarked(&entry.request.url),
        headers: pairs(entry.request.headers),
        body: entry.request.post_data.and_then(PostData::text).map(|text| unmarked(&text)),
        answer,
        line: None,
    }
}

impl PostData {
    /// The text; or the fields, where an archive has only those.
    fn text(self) -> Option<String> {
        if self.params.is_empty() || self.text.as_ref().is_some_and(|text| !text.is_empty()) {
            return self.text;
        }
        let fields = self.params.iter().map(|field| (field.name.as_str(), field.value.as_deref().unwrap_or_default()));
        Some(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
    }
}

impl Content {
    fn bytes(self) -> Vec<u8> {
        let text = self.text.unwrap_or_default();
        match self.encoding.as_deref() {
            Some("base64") => STANDARD.decode(text.trim()).unwrap_or_else(|_| text.into_bytes()),
            _ => text.into_bytes(),
        }
    }
}
