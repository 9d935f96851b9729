//! `requests.har`: a run's requests as an HTTP Archive 1.2, for whoever has a viewer for those.
//!
//! The log keeps no request and few bodies. Requests are told from the target file: methods, addresses, headers and bodies as it has
//! them, with environment variables as `${NAME}` and credentials that stand in it struck out. What HAR has no place for travels in
//! members called `_statusgap`, from which `statusgap import har` makes the log again.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::evidence::requests::{Encoding, Requests, path};
use crate::model::credentials::struck;
use crate::model::exchange::{Exchange, Kind, Route};
use crate::model::run::{HttpVersion, Journal};
use crate::model::time::Stamp;
use crate::target::Request;

/// Writes the archive as JSON text, entry by entry in the order in which they were sent: a long run's need no room in memory.
pub fn archive(journal: &Journal, mut out: impl Write) -> io::Result<()> {
    let mut run = journal.run.clone();
    run.scenarios.clone_from(&journal.scenarios);
    run.target.file = struck(&run.target.file);
    // Without a target file that can be read there are addresses alone.
    let requests = Requests::of(&run).ok();
    let handed_out = |exchange: &'_ &Exchange| exchange.kind == Kind::Initiate;
    let ids: BTreeMap<u64, &str> =
        journal.exchanges.iter().filter(handed_out).filter_map(|exchange| Some((exchange.scan.get()?, exchange.id.as_deref()?))).collect();
    let (name, version) = run.tool.split_once(' ').unwrap_or((run.tool.as_str(), ""));
    let creator = json!({ "name": name, "version": version });
    let comment = json!("Requests as the target file has them; bodies only where the log kept them.");
    let own = json!({ "run": run, "end": journal.end.as_ref().map(|end| end.reason) });
    write!(out, "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"comment\":{comment},\"_statusgap\":{own},\"entries\":[")?;
    for (index, exchange) in journal.exchanges.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        serde_json::to_writer(&mut out, &entry(journal, requests.as_ref(), &ids, exchange))?;
    }
    out.write_all(b"]}}\n")
}

fn entry(journal: &Journal, requests: Option<&Requests>, ids: &BTreeMap<u64, &str>, exchange: &Exchange) -> Value {
    let took = |from: Stamp, to: Stamp| to.since(from).as_ms().max(0.0);
    let first_byte =
        exchange.first_byte.get().map_or(exchange.done, |first_byte| first_byte.clamp(exchange.sent, exchange.done.max(exchange.sent)));
    let mut entry = json!({
        "startedDateTime": started(&journal.run.started, exchange.sent),
        "time": took(exchange.sent, exchange.done),
        "request": request(journal, requests, ids, exchange),
        "response": response(journal.run.target.http, exchange),
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

/// The name of the version that was spoken.
fn version(http: HttpVersion) -> &'static str {
    match http {
        HttpVersion::One => "HTTP/1.1",
        HttpVersion::Two => "HTTP/2",
    }
}

fn request(journal: &Journal, requests: Option<&Requests>, ids: &BTreeMap<u64, &str>, exchange: &Exchange) -> Value {
    let id = exchange
        .id
        .as_deref()
        .filter(|_| exchange.kind != Kind::Initiate)
        .or_else(|| ids.get(&exchange.scan.get()?).copied())
        .unwrap_or_default();
    let made = requests.and_then(|requests| Some((requests, requests.of_exchange(exchange, id)?)));
    let base = journal.run.target.base_url.trim_end_matches('/');
    let asked = made.as_ref().map_or_else(String::new, |(requests, request)| requests.written(path(request), Encoding::Plain));
    let url = format!("{base}{}", asked.replace('{', "%7B").replace('}', "%7D").replace(' ', "%20"));
    let query: Vec<Value> = url
        .split_once('?')
        .map(|(_, query)| {
            url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| json!({ "name": name, "value": value })).collect()
        })
        .unwrap_or_default();
    let headers: Vec<Value> = made
        .iter()
        .flat_map(|(requests, request)| {
            request.headers.iter().map(|(name, value)| json!({ "name": name, "value": requests.written(value, Encoding::Plain) }))
        })
        .collect();
    let usual = if matches!(exchange.kind, Kind::Initiate | Kind::Repeat | Kind::Cancel) { "POST" } else { "GET" };
    let method = made.as_ref().map_or(usual, |(_, request)| request.method.as_str());
    let mut entry = Map::new();
    entry.insert("method".to_owned(), json!(method));
    entry.insert("url".to_owned(), json!(url));
    entry.insert("httpVersion".to_owned(), json!(version(journal.run.target.http)));
    entry.insert("cookies".to_owned(), json!([]));
    entry.insert("headers".to_owned(), json!(headers));
    entry.insert("queryString".to_owned(), json!(query));
    if let Some(body) = made.as_ref().and_then(|(requests, request)| body(requests, request)) {
        entry.insert("postData".to_owned(), body);
    }
    entry.insert("headersSize".to_owned(), json!(-1));
    entry.insert("bodySize".to_owned(), json!(-1));
    Value::Object(entry)
}

fn body(requests: &Requests, request: &Request) -> Option<Value> {
    let text = std::str::from_utf8(&request.body).ok().filter(|text| !text.is_empty())?;
    let kind = request.headers.iter().find(|(name, _)| name == "content-type").map_or("text/plain", |(_, value)| value.as_str());
    let encoding = if kind.starts_with("application/x-www-form-urlencoded") { Encoding::Form } else { Encoding::Plain };
    let comment = "as the target file has it; {n} and {uuid} differ from scan to scan";
    Some(
        json!({ "mimeType": requests.written(kind, Encoding::Plain), "params": [], "text": requests.written(text, encoding), "comment": comment }),
    )
}

fn response(http: HttpVersion, exchange: &Exchange) -> Value {
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
        "httpVersion": version(http),
        "cookies": [],
        "headers": headers,
        "content": content,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    })
}
