//! The job endpoints of an OpenAPI document (3.0 or 3.1, JSON or YAML).
//!
//! The document is walked as a tree rather than read into typed structs: what is needed is the same in both versions, and a document
//! that is wrong elsewhere still describes its job endpoints.

mod answer;
mod example;

use serde_json::Value;
use url::Url;

use super::error::{DraftError, Settled, cut};
use super::marks::{self, ID, unmarked};
use super::pair::{IdFrom, Known, Pair};
use super::yaml;
use crate::model::call::Call;

/// How deep references are followed; a schema may name itself.
const DEEPEST: usize = 12;

/// What was said about a document.
#[derive(Debug, Clone, Copy, Default)]
pub struct DocumentOptions<'a> {
    /// The POST that starts a job: its `operationId` or path.
    pub operation: Settled<'a>,
    /// The document's own address, if it came from one.
    pub from: Option<&'a str>,
    /// The deployment to ask, in place of the document's first server.
    pub base_url: Option<&'a str>,
}

/// The pair that a document describes.
pub fn pair(text: &str, options: DocumentOptions<'_>) -> Result<Pair, DraftError> {
    let document = Document::read(text)?;
    let server = match options.base_url {
        Some(base_url) => base_url.trim_end_matches('/').to_owned(),
        None => document.server(options.from)?,
    };
    let starts = document.job_operations();
    let start =
        chosen(&starts, options.operation).map_err(|error| match document.reference_to_nowhere().filter(|_| starts.is_empty()) {
            Some(why) => DraftError { what: format!("{}; {why}", error.what), ..error },
            None => error,
        })?;
    let headers = document.headers_for(start.operation);
    let initiate_url = format!("{server}{}", document.filled(&start.path, start.item, start.operation, None));
    let status_url =
        format!("{server}{}", document.filled(&start.status, start.status_item, start.status_operation, Some(&start.placeholder)));
    let mut initiate = Call { method: "POST".to_owned(), url: initiate_url, headers, ..Call::default() };
    if let Some((kind, body)) = document.body_of(start.operation) {
        initiate.headers.push(("Content-Type".to_owned(), kind));
        initiate.body = Some(unmarked(&body));
    }
    let status =
        Call { method: "GET".to_owned(), url: status_url, headers: document.headers_for(start.status_operation), ..Call::default() };
    let known = Known { id_at: document.id_in(start.operation, &start.placeholder), ..document.states_of(start.status_operation) };
    Ok(Pair { initiate, status, id_from: IdFrom::Answer, id: None, shape: None, login: None, known })
}

fn chosen<'a, 'd>(starts: &'a [Start<'d>], operation: Settled<'_>) -> Result<&'a Start<'d>, DraftError> {
    let values = || starts.iter().map(|start| (start.name.clone(), format!("POST {}, GET {}", start.path, start.status))).collect();
    if let Some(wanted) = operation {
        let found = starts.iter().find(|start| start.name == wanted || start.path == wanted);
        let listed: Vec<&str> = starts.iter().map(|start| start.name.as_str()).collect();
        return found.ok_or_else(|| {
            let has = if listed.is_empty() { "it has none that starts a job".to_owned() } else { format!("it has: {}", listed.join(", ")) };
            DraftError::new(format!("the document has no operation `{}` that starts a job", cut(wanted)), has)
        });
    }
    match starts {
        [] => Err(DraftError::new(
            "the document has no POST whose answer has an id, with a GET that takes it",
            "give two curl commands instead: statusgap init --curl FILE",
        )),
        [only] => Ok(only),
        _ => Err(DraftError::ambiguous("the document has several operations that start a job", "--operation", values())),
    }
}

struct Document(Value);

/// A POST that starts a job, with the GET that asks for it.
struct Start<'a> {
    name: String,
    path: String,
    item: &'a Value,
    operation: &'a Value,
    /// The GET's path.
    status: String,
    status_item: &'a Value,
    status_operation: &'a Value,
    /// The name of the id's parameter in it.
    placeholder: String,
}

impl Document {
    fn read(text: &str) -> Result<Document, DraftError> {
        let no_document = |why: String| {
            DraftError::new(format!("this is not an OpenAPI document: {why}"), "name an OpenAPI 3.0 or 3.1 document, in JSON or YAML")
        };
        let text = text.trim_start_matches('\u{feff}');
        let json = match serde_json::from_str::<Value>(text) {
            Ok(json) => json,
            Err(error) if text.trim_start().starts_with('{') => return Err(no_document(error.to_string())),
            Err(_) => yaml::read(text).map_err(no_document)?,
        };
        match json.get("openapi").and_then(Value::as_str) {
            Some(version) if version.starts_with("3.") => Ok(Document(json)),
            Some(version) => Err(no_document(format!("it is of version {}, and 3.0 and 3.1 are read", cut(version)))),
            None if json.get("swagger").is_some() => Err(no_document("it is Swagger 2, and OpenAPI 3.0 and 3.1 are read".to_owned())),
            None => Err(no_document("it has no `openapi` version".to_owned())),
        }
    }

    /// The address of the first server, without a slash at its end.
    fn server(&self, from: Option<&str>) -> Result<String, DraftError> {
        let mut named = self.0.pointer("/servers/0/url").and_then(Value::as_str).unwrap_or("/").to_owned();
        for (name, variable) in self.0.pointer("/servers/0/variables").and_then(Value::as_object).into_iter().flatten() {
            let default = variable.get("default").and_then(Value::as_str).unwrap_or_default();
            named = named.replace(&format!("{{{name}}}"), default);
        }
        let absolute = match from.and_then(|from| Url::parse(from).ok()) {
            Some(from) => from.join(&named).map_err(|error| error.to_string()),
            None => Url::parse(&named).map_err(|error| error.to_string()),
        };
        let absolute = absolute.map_err(|why| {
            DraftError::new(
                format!("the document's server `{}` is not a complete address ({why})", cut(&named)),
                "name the deployment: --base-url URL",
            )
        })?;
        Ok(absolute.as_str().trim_end_matches('/').to_owned())
    }

    /// Follows `$ref`.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let mut value = value;
        for _ in 0..DEEPEST {
            let Some(target) = value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#')) else { break };
            match self.0.pointer(target) {
                Some(found) => value = found,
                None => break,
            }
        }
        value
    }

    /// The first `$ref` that cannot be followed, as a fragment.
    fn reference_to_nowhere(&self) -> Option<String> {
        let mut found = None;
        super::json::leaves(&self.0, &mut |pointer, leaf| {
            let Some(target) = leaf.as_str().filter(|_| found.is_none() && pointer.ends_with("/$ref")) else { return };
            let from = pointer.strip_suffix("/$ref").unwrap_or_default();
            match target.strip_prefix('#') {
                Some(place) if self.0.pointer(place).is_some() => {}
                Some(_) => found = Some(format!("`$ref: {}` at {from} leads nowhere", cut(target))),
                None => found = Some(format!("`$ref: {}` at {from} is in another file, which is not read: put all into one", cut(target))),
            }
        });
        found
    }

    fn job_operations(&self) -> Vec<Start<'_>> {
        let Some(paths) = self.0.get("paths").and_then(Value::as_object) else { return Vec::new() };
        let mut starts = Vec::new();
        for (path, item) in paths {
            let item = self.resolved(item);
            let Some(operation) = item.get("post") else { continue };
            if !self.answers_with_id(operation) {
                continue;
            }
            let asks = paths.iter().map(|(other, item)| (other, self.resolved(item))).filter_map(|(other, item)| {
                let operation = item.get("get")?;
                let (rank, placeholder) = asked_below(path, other)?;
                Some((rank, std::cmp::Reverse(other.len()), other, item, operation, placeholder))
            });
            let Some((.., status, status_item, status_operation, placeholder)) = asks.max_by_key(|(rank, shortest, ..)| (*rank, *shortest))
            else {
                continue;
            };
            let name = operation.get("operationId").and_then(Value::as_str).unwrap_or(path).to_owned();
            let (path, status) = (path.clone(), status.clone());
            starts.push(Start { name, path, item, operation, status, status_item, status_operation, placeholder });
        }
        starts
    }

    /// A path with its parameters filled by their examples; the id's is marked.
    fn filled(&self, path: &str, item: &Value, operation: &Value, id: Option<&str>) -> String {
        let parameters: Vec<&Value> = [item, operation]
            .into_iter()
            .filter_map(|from| from.get("parameters")?.as_array())
            .flatten()
            .map(|parameter| self.resolved(parameter))
            .collect();
        let named = |name: &str, place: &str| {
            let is = |key: &str, value: &str, parameter: &&&Value| parameter.get(key).and_then(Value::as_str) == Some(value);
            parameters.iter().find(|parameter| is("name", name, parameter) && is("in", place, parameter)).copied()
        };
        let example = |parameter: &Value| {
            let given = parameter.get("example").cloned().or_else(|| {
                let schema = self.resolved(parameter.get("schema")?);
                ["example", "default"].into_iter().find_map(|key| schema.get(key)).or_else(|| schema.pointer("/enum/0")).cloned()
            })?;
            Some(given.as_str().map_or_else(|| given.to_string(), str::to_owned))
        };
        let mut out = String::new();
        for (index, part) in path.split('{').enumerate() {
            let Some((name, rest)) = part.split_once('}').filter(|_| index > 0) else {
                out.push_str(part);
                continue;
            };
            if id == Some(name) {
                out.push(ID);
            } else {
                let value = named(name, "path").and_then(example);
                // Without an example it is taken from the environment, under the parameter's name.
                out.push_str(&value.unwrap_or_else(|| marks::variable(&super::secrets::upper(name))));
            }
            out.push_str(rest);
        }
        let required = parameters.iter().filter(|parameter| {
            parameter.get("in").and_then(Value::as_str) == Some("query") && parameter.get("required").and_then(Value::as_bool) == Some(true)
        });
        for (index, parameter) in required.enumerate() {
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
            let value = example(parameter).unwrap_or_else(|| marks::variable(&super::secrets::upper(name)));
            out.push(if index == 0 { '?' } else { '&' });
            out.push_str(name);
            out.push('=');
            out.push_str(&value);
        }
        out
    }

    /// Headers for the schemes that an operation asks for, with a variable for the credential.
    fn headers_for(&self, operation: &Value) -> Vec<(String, String)> {
        let required = operation.get("security").or_else(|| self.0.get("security")).and_then(Value::as_array);
        // The first way in that can be described; an empty one means that none is needed.
        let ways = required.into_iter().flatten().filter_map(Value::as_object);
        for way in ways {
            let headers: Vec<Option<(String, String)>> = way.keys().map(|name| self.header_of(name)).collect();
            if headers.iter().all(Option::is_some) {
                return headers.into_iter().flatten().collect();
            }
        }
        Vec::new()
    }

    fn header_of(&self, scheme: &str) -> Option<(String, String)> {
        let scheme = self.resolved(self.0.get("components")?.get("securitySchemes")?.get(scheme)?);
        let text = |key: &str| scheme.get(key).and_then(Value::as_str);
        match text("type")? {
            "http" if text("scheme").is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic")) => {
                Some(("Authorization".to_owned(), format!("Basic {}", marks::variable("BASIC_CREDENTIALS"))))
            }
            "http" | "oauth2" | "openIdConnect" => Some(("Authorization".to_owned(), format!("Bearer {}", marks::variable("API_TOKEN")))),
            "apiKey" if text("in") == Some("header") => Some((text("name")?.to_owned(), marks::variable("API_KEY"))),
            "apiKey" if text("in") == Some("cookie") => {
                Some(("Cookie".to_owned(), format!("{}={}", text("name")?, marks::variable("API_KEY"))))
            }
            _ => None,
        }
    }
}

/// Whether a GET's path asks for what a POST to `path` makes: how well it fits, and the name of the id's parameter.
fn asked_below(path: &str, other: &str) -> Option<(u32, String)> {
    // The last parameter is the job's; what stands before it is the same in both.
    let from = other.rfind('{')?;
    let to = from + other[from..].find('}')?;
    let (before, name, after) = (&other[..from], &other[from + 1..to], &other[to + 1..]);
    let parent = path.trim_end_matches('/');
    let sibling = parent.rsplit_once('/').map_or("", |(parent, _)| parent);
    let is_below = before.trim_end_matches('/') == parent;
    let is_near = !sibling.is_empty() && before.starts_with(sibling) && before.matches('{').count() == path.matches('{').count();
    let polls = before.contains("status") || after.contains("status") || before.contains("job") || before.contains("task");
    let is_result =
        ["result", "download", "output", "log", "event"].iter().any(|mark| after.contains(mark) || before.ends_with(&format!("{mark}s/")));
    if is_result || !(is_below || (is_near && polls)) {
        return None;
    }
    let rank = 4 * u32::from(is_below) + 2 * u32::from(after.contains("status") || before.contains("status")) + u32::from(after.is_empty());
    Some((rank, name.to_owned()))
}
