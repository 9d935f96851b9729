//! `requests.har`: a run's requests as an HTTP Archive 1.2, for whoever has a viewer for those.
//!
//! The log keeps no request and few bodies. Requests are told from the target file: methods, addresses, headers and bodies as it has
//! them, with environment variables as `${NAME}` and credentials that stand in it struck out. What HAR has no place for travels in
//! members called `_statusgap`, from which `statusgap import har` makes the log again.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use toml::Table;

use crate::model::credentials::struck;
use crate::model::exchange::{Exchange, Kind, Route};
use crate::model::run::Journal;
use crate::model::time::Stamp;

/// The archive, as JSON text. Entries stand in the order in which they were sent.
pub fn archive(journal: &Journal) -> String {
    let mut run = journal.run.clone();
    run.scenarios.clone_from(&journal.scenarios);
    run.target.file = struck(&run.target.file);
    let file: Table = run.target.file.parse().unwrap_or_default();
    let handed_out = |exchange: &'_ &Exchange| exchange.kind == Kind::Initiate;
    let ids: BTreeMap<u64, &str> =
        journal.exchanges.iter().filter(handed_out).filter_map(|exchange| Some((exchange.scan.get()?, exchange.id.as_deref()?))).collect();
    let entries: Vec<Value> = journal.exchanges.iter().map(|exchange| entry(journal, &file, &ids, exchange)).collect();
    let (name, version) = run.tool.split_once(' ').unwrap_or((run.tool.as_str(), ""));
    let archive = json!({
        "log": {
            "version": "1.2",
            "creator": { "name": name, "version": version },
            "comment": "Requests as the target file has them; bodies only where the log kept them.",
            "_statusgap": { "run": run, "end": journal.end.as_ref().map(|end| end.reason) },
            "entries": entries,
        }
    });
    format!("{archive}\n")
}

fn entry(journal: &Journal, file: &Table, ids: &BTreeMap<u64, &str>, exchange: &Exchange) -> Value {
    let took = |from: Stamp, to: Stamp| to.since(from).as_ms().max(0.0);
    let first_byte =
        exchange.first_byte.get().map_or(exchange.done, |first_byte| first_byte.clamp(exchange.sent, exchange.done.max(exchange.sent)));
    let mut entry = json!({
        "startedDateTime": started(&journal.run.started, exchange.sent),
        "time": took(exchange.sent, exchange.done),
        "request": request(journal, file, ids, exchange),
        "response": response(exchange),
        "cache": {},
        "timings": {
            "blocked": -1, "dns": -1, "connect": -1, "ssl": -1,
            "send": 0, "wait": took(exchange.sent, first_byte), "receive": took(first_byte, exchange.done),
        },
        "comment": comment(exchange),
        "_statusgap": exchange,
    });
    // A literal of an object, a few lines above, is one.
    if let (Some(members), Some(connection)) = (entry.as_object_mut(), exchange.conn.get()) {
        members.insert("connection".to_owned(), json!(connection.to_string()));
    }
    entry
}

fn comment(exchange: &Exchange) -> String {
    let scan = exchange.scan.get().map_or_else(String::new, |scan| format!(" of scan {scan}"));
    let route = match exchange.route {
        Some(Route::HandedOut) => ", sent to the address that was handed out",
        Some(Route::CacheBusted) => ", sent with a query of its own",
        Some(Route::AsInitiator) => ", sent with the initiate's headers",
        None => "",
    };
    format!("{}{scan}: {}{route}", exchange.kind.word(), exchange.told())
}

/// RFC 3339 in UTC to the microsecond, which every reader can parse.
fn started(run: &str, sent: Stamp) -> String {
    let start: jiff::Timestamp = run.parse().unwrap_or_default();
    let micros = start.as_microsecond().saturating_add((sent.0 / 1000) as i64);
    let at = jiff::Timestamp::from_microsecond(micros).unwrap_or(start);
    format!("{at:.6}")
}

fn request(journal: &Journal, file: &Table, ids: &BTreeMap<u64, &str>, exchange: &Exchange) -> Value {
    let (section, usual) = match exchange.kind {
        Kind::Initiate | Kind::Repeat => ("initiate", "POST"),
        Kind::Poll | Kind::ForeignPoll | Kind::UnknownPoll => ("status", "GET"),
        Kind::Witness => ("witness", "GET"),
        Kind::Results => ("results", "GET"),
        Kind::Cancel => ("cancel", "POST"),
        Kind::Filler => ("filler", "GET"),
    };
    let endpoint = file.get(section).and_then(toml::Value::as_table);
    let text = |key: &str| endpoint.and_then(|endpoint| endpoint.get(key)).and_then(toml::Value::as_str);
    let id = exchange
        .id
        .as_deref()
        .filter(|_| exchange.kind != Kind::Initiate)
        .or_else(|| ids.get(&exchange.scan.get()?).copied())
        .unwrap_or_default();
    let encoded = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string();
    let encoded = encoded.replace("%5F", "_").replace("%2D", "-").replace("%2E", ".").replace("%7E", "~");
    let path = text("path").unwrap_or_default().replace("{id}", &encoded).replace("{id:raw}", id);
    let path = path.replace('{', "%7B").replace('}', "%7D").replace(' ', "%20");
    let url = format!("{}{path}", journal.run.target.base_url.trim_end_matches('/'));
    let query: Vec<Value> = url
        .split_once('?')
        .map(|(_, query)| {
            url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| json!({ "name": name, "value": value })).collect()
        })
        .unwrap_or_default();
    let user = if exchange.kind == Kind::ForeignPoll { "foreign" } else { text("user").unwrap_or("owner") };
    let of_user = file.get("users").and_then(|users| users.get(user)?.get("headers")?.as_table());
    let own = endpoint.and_then(|endpoint| endpoint.get("headers")?.as_table());
    let headers: Vec<Value> = of_user
        .into_iter()
        .chain(own)
        .flatten()
        .filter_map(|(name, value)| Some(json!({ "name": name, "value": value.as_str()? })))
        .collect();
    let mut request = Map::new();
    request.insert("method".to_owned(), json!(text("method").unwrap_or(usual)));
    request.insert("url".to_owned(), json!(url));
    request.insert("httpVersion".to_owned(), json!("HTTP/1.1"));
    request.insert("cookies".to_owned(), json!([]));
    request.insert("headers".to_owned(), json!(headers));
    request.insert("queryString".to_owned(), json!(query));
    if let Some(body) = endpoint.and_then(body) {
        request.insert("postData".to_owned(), body);
    }
    request.insert("headersSize".to_owned(), json!(-1));
    request.insert("bodySize".to_owned(), json!(-1));
    Value::Object(request)
}

fn body(endpoint: &Table) -> Option<Value> {
    let comment = "as the target file has it; {n} and {uuid} differ from scan to scan";
    if let Some(json) = endpoint.get("json") {
        let text = serde_json::to_string(json).ok()?;
        return Some(json!({ "mimeType": "application/json", "params": [], "text": text, "comment": comment }));
    }
    if let Some(form) = endpoint.get("form").and_then(toml::Value::as_table) {
        let params: Vec<Value> = form.iter().filter_map(|(name, value)| Some(json!({ "name": name, "value": value.as_str()? }))).collect();
        return Some(json!({ "mimeType": "application/x-www-form-urlencoded", "params": params, "text": "", "comment": comment }));
    }
    let text = endpoint.get("body")?.as_str()?;
    Some(json!({ "mimeType": "text/plain", "params": [], "text": text, "comment": comment }))
}

fn response(exchange: &Exchange) -> Value {
    let headers: Vec<Value> = exchange.worker.iter().map(|worker| json!({ "name": "x-worker", "value": worker })).collect();
    let mut content = json!({ "size": exchange.body.as_ref().map_or(0, |body| body.len()), "mimeType": "" });
    if let (Some(content), Some(body)) = (content.as_object_mut(), &exchange.body) {
        content.insert("text".to_owned(), json!(body));
        content.insert(
            "comment".to_owned(),
            json!("as the log kept it: bounded, secrets struck out, after a note in brackets on what was wrong with it"),
        );
    }
    json!({
        "status": exchange.http.unwrap_or(0),
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "content": content,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    })
}
