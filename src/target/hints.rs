//! What to write instead, for keys and values that are far off: in the words of a target file, and never in those of its reader.

use crate::model::source::InputError;

/// Keys that people write, the key that is there instead, and what to do.
const KEYS: &[(&[&str], &str, &str)] = &[
    // Before the next one: an endpoint may have a `base_url`, too.
    (
        &["url", "uri", "endpoint", "route", "address", "href", "location"],
        "path",
        "write `path = \"/…\"`; the address before it is `base_url`",
    ),
    (
        &["url", "uri", "host", "server", "address", "endpoint", "base", "baseurl", "target"],
        "base_url",
        "the address of the API is `base_url`; each endpoint has a `path`",
    ),
    (
        &["auth", "authorization", "authentication", "token", "credentials", "bearer", "api_key", "headers", "user", "owner"],
        "users",
        "what identifies the caller belongs to a user: `[users.owner]` with `headers = { Authorization = \"Bearer ${TOKEN}\" }`",
    ),
    (
        &["create", "start", "submit", "post", "job", "jobs", "trigger", "enqueue", "launch", "request"],
        "initiate",
        "the request that starts a job is `[initiate]`",
    ),
    (&["poll", "polling", "get", "read", "state", "check"], "status", "the request that asks how a job stands is `[status]`"),
    (&["result", "output", "download"], "results", "where the results are read is `[results]`"),
    (&["patch", "change", "edit"], "update", "the request that changes a job is `[update]`"),
    (&["remove", "destroy"], "delete", "the request that deletes a job is `[delete]`"),
    (&["sla", "objective", "objectives", "latency"], "slo", "objectives are `[slo]`, with `visible = \"p99 <= 200ms\"`"),
    (&["oauth", "oauth2", "signin", "session"], "login", "a step that gets credentials is `[login]`"),
    (&["before", "prepare", "prerequisites", "steps", "upload"], "setup", "steps before each job are `[[setup]]`"),
    (&["verb", "http_method", "type"], "method", "write `method = \"POST\"`"),
    (
        &["data", "payload", "content", "request_body", "params", "parameters"],
        "json",
        "write the body as `json = { … }`, `form = { … }` or `body = \"…\"`",
    ),
    (
        &["auth", "authorization", "token", "bearer"],
        "headers",
        "write `headers = { Authorization = \"Bearer ${TOKEN}\" }`, or give it to a user: `[users.owner]`",
    ),
    (
        &["expect", "expected", "code", "codes", "status", "status_code", "http", "success"],
        "accept",
        "the codes of an accepted request are `accept = [200, 202]`",
    ),
    (
        &["job_id", "id_path", "id_field", "id_pointer", "key", "identifier"],
        "id",
        "where the reply has the id is `id = { pointer = \"/job_id\" }`",
    ),
    (&["code", "codes", "status", "status_code", "statuscode"], "http", "the code of a reply is `http = 404`"),
    (&["value", "eq", "is", "equal", "contains"], "equals", "a value is compared by `equals = …`, `one_of = […]` or `matches = \"…\"`"),
    (
        &["json_pointer", "jsonpointer", "path", "field", "key"],
        "pointer",
        "a place in a body is `pointer = \"/status\"`, or `jsonpath = \"$.status\"`",
    ),
    (
        &["pending", "queued", "waiting", "started", "active", "processing", "in_progress", "open", "created"],
        "running",
        "the names are those of this program, and the service's words stand behind them: `running = [\"pending\", \"processing\"]`",
    ),
    (
        &["success", "successful", "complete", "completed", "done", "finished", "ok", "ended"],
        "succeeded",
        "the names are those of this program, and the service's words stand behind them: `succeeded = [\"completed\"]`",
    ),
    (
        &["failure", "error", "errors", "errored", "cancelled", "canceled", "aborted", "dead"],
        "failed",
        "the names are those of this program, and the service's words stand behind them: `failed = [\"error\", \"cancelled\"]`",
    ),
    (
        &["save", "extract", "store", "export", "set", "variables"],
        "capture",
        "values for later requests are `capture = { name = { pointer = \"/…\" } }`",
    ),
];

/// Words that people write for what a reply means, and the word that is there instead.
const MEANINGS: &[(&[&str], &str)] = &[
    (&["missing", "unknown", "absent", "none", "404", "gone", "denied", "not found", "notfound", "lost"], "not_found"),
    (&["found", "ok", "present", "exists", "known", "seen", "success", "running", "succeeded", "done"], "visible"),
    (&["forbidden", "unauthorized", "unauthorised", "401", "403"], "refused"),
    (&["rate_limited", "ratelimited", "limited", "429", "too_many_requests"], "throttled"),
    (&["failed", "failure", "broken", "5xx", "500"], "error"),
];

/// Keys of things that this program does not do, and why.
const NOT_THERE: [(&[&str], &str); 3] = [
    (
        &["websocket", "websockets", "ws", "wss"],
        "WebSockets are not spoken: what a client sees there is no answer to a request. A status endpoint for GET is needed as well",
    ),
    (
        &["webhook", "webhooks", "callback", "callbacks", "callback_url"],
        "webhooks are not received: a target is only asked. A status endpoint for GET is needed as well",
    ),
    (
        &["events", "sse", "stream", "event_stream"],
        "a stream of server-sent events needs no key: the first event of such a reply is the answer; `headers = { Accept = \"text/event-stream\" }` asks for one",
    ),
];

/// What the reader of the file calls its tables, and what a person does.
const NAMES: [(&str, &str); 21] = [
    ("struct ExtractFile", "a place such as { pointer = \"/status\" }"),
    ("struct FollowFile", "a place such as { pointer = \"/status_url\" }"),
    ("struct PagesFile", "a table such as { next = { pointer = \"/next\" }, most = 5 }"),
    ("struct WhenFile", "conditions such as { http = 404 }"),
    ("struct RuleFile", "a rule: a table with `is` and `when`"),
    ("struct UserFile", "a user: a table with `headers`"),
    ("struct StatesFile", "a table with `running`, `succeeded` and `failed`"),
    ("struct SloFile", "a table with `visible` and `done`"),
    ("struct TlsFile", "a table with `ca`, `client_cert` and `client_key`"),
    ("struct TargetFile", "a target file"),
    ("struct InitiateFile", "a table: write `[initiate]` on a line of its own, and its keys below"),
    ("struct ReadFile", "a table: write its name in brackets on a line of its own, and its keys below"),
    ("struct SetupFile", "a table: write `[[setup]]` on a line of its own, and its keys below"),
    ("struct LoginFile", "a table: write `[login]` on a line of its own, and its keys below"),
    ("a map", "a table"),
    ("a sequence", "a list"),
    ("a boolean", "true or false"),
    ("a string", "a text in quotes"),
    ("u32", "a whole number"),
    ("map, expected map with a single key", "table, expected a single word in quotes, or a table with one key"),
    ("map, expected", "table, expected"),
];

/// The same error in the words of a target file, with a hint where the key or the value shows what was meant.
pub(super) fn explained(error: InputError) -> InputError {
    let hint = of_key(&error.message).or_else(|| of_value(&error)).or_else(|| of_meaning(&error.message)).or_else(|| of_form(&error));
    let hint = hint.or(error.hint.clone());
    InputError { message: plain(&error.message), hint, ..error }
}

fn plain(message: &str) -> String {
    let message = NAMES.iter().fold(message.to_owned(), |message, (theirs, ours)| message.replace(theirs, ours));
    // Whatever other table it was.
    match (message.find("struct "), message.contains("expected struct ")) {
        (Some(at), true) => format!("{}a table", &message[..at]),
        _ => message,
    }
}

/// For `unknown field `url`, expected one of `path`, …`.
fn of_key(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field ")?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?.to_ascii_lowercase().replace('-', "_");
    let known: Vec<&str> = quoted.collect();
    if let Some((_, why)) = NOT_THERE.iter().find(|(names, _)| names.contains(&wrong.as_str())) {
        return Some((*why).to_owned());
    }
    let (_, right, hint) = KEYS.iter().find(|(names, right, _)| names.contains(&wrong.as_str()) && known.contains(right))?;
    Some(format!("{hint} (`{right}`, not `{wrong}`)"))
}

/// For a text where a place is meant: `state = "status"`.
fn of_value(error: &InputError) -> Option<String> {
    let wants_place = ["struct ExtractFile", "struct FollowFile"].iter().any(|name| error.message.contains(name));
    let text = error.message.strip_prefix("invalid type: string \"")?.split_once("\", expected ")?.0;
    if !wants_place {
        return None;
    }
    Some(if text.starts_with('$') {
        format!("write {{ jsonpath = \"{text}\" }}")
    } else {
        format!("write {{ pointer = \"/{}\" }}", text.trim_start_matches('/').replace('.', "/"))
    })
}

/// For `unknown variant `missing`, expected one of `visible`, …`.
fn of_meaning(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown variant `")?;
    let wrong = rest.split('`').next()?.to_ascii_lowercase();
    let (_, right) = MEANINGS.iter().find(|(words, right)| words.contains(&wrong.as_str()) && rest.contains(&format!("`{right}`")))?;
    Some(format!("write `{right}`"))
}

/// For values of another form than the key has, and for what is not TOML at all.
fn of_form(error: &InputError) -> Option<String> {
    let message = error.message.as_str();
    let is_at = |key: &str| error.place.as_ref().is_some_and(|place| place.text.trim_start().starts_with(key));
    if message.starts_with("invalid type: map, expected a string") && is_at("body") {
        return Some("a body of JSON is `json = { … }`, one of form fields `form = { … }`; `body` is a text".to_owned());
    }
    let is_bare = ["integer", "floating point", "boolean"].iter().any(|kind| message.starts_with(&format!("invalid type: {kind}")));
    if is_bare && message.ends_with("expected a string") {
        return Some("put the value in quotes".to_owned());
    }
    let is_first_line = error.place.as_ref().is_none_or(|place| place.line == 1);
    let is_of_form = ["unknown ", "missing ", "invalid type", "invalid value"].iter().any(|start| message.starts_with(start));
    (is_first_line && !is_of_form).then(|| {
        "a target file is TOML (`name = \"jobs\"`): `statusgap init` makes one of curl commands, a recording or a document".to_owned()
    })
}
