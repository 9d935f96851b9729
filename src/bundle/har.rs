//! `requests.har`: a run's requests as an HTTP Archive 1.2, for whoever has a viewer for those.
//!
//! The log keeps no request and few bodies. Requests are made of the target file anew: methods, addresses, headers and bodies as it has
//! them, with environment variables as `${NAME}` and credentials that stand in it struck out. What HAR has no place for travels in
//! members called `_statusgap`, from which `statusgap import har` makes the log again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;

use crate::model::exchange::{Exchange, Kind, Route};
use crate::model::run::{HttpVersion, Journal};
use crate::model::time::Stamp;
use crate::model::trace::traceparent;
use crate::target::credentials::struck;
use crate::target::{LoggedRequest, LoggedTarget, usual_method};

/// An entry: one request with its response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    started_date_time: String,
    time: f64,
    request: Request,
    response: Response<'a>,
    cache: Cache,
    timings: Timings,
    comment: String,
    #[serde(rename = "_statusgap")]
    own: &'a Exchange,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    http_version: &'static str,
    cookies: [Pair<'static>; 0],
    headers: Vec<Pair<'static>>,
    query_string: Vec<Pair<'static>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_data: Option<PostData>,
    headers_size: i64,
    body_size: i64,
}

#[derive(Serialize)]
struct Pair<'a> {
    name: Cow<'a, str>,
    value: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    mime_type: String,
    params: [Pair<'static>; 0],
    text: String,
    comment: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    status: u16,
    status_text: &'static str,
    http_version: &'static str,
    cookies: [Pair<'static>; 0],
    headers: Vec<Pair<'a>>,
    content: Content<'a>,
    #[serde(rename = "redirectURL")]
    redirect_url: &'static str,
    headers_size: i64,
    body_size: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    size: usize,
    mime_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'static str>,
}

#[derive(Serialize)]
struct Cache {}

/// In ms; -1 where HAR wants a number that is not known.
#[derive(Serialize)]
struct Timings {
    blocked: i64,
    dns: i64,
    connect: i64,
    ssl: i64,
    send: i64,
    wait: f64,
    receive: f64,
}

const UNKNOWN: i64 = -1;

/// Writes the archive as JSON text, entry by entry in the order in which they were sent: a long run's need no room in memory.
pub fn archive(journal: &Journal, mut out: impl Write) -> io::Result<()> {
    let mut run = journal.run.clone();
    run.scenarios.clone_from(&journal.scenarios);
    run.target.file = struck(&run.target.file);
    // Without a target file that can be read there are addresses alone.
    let logged = LoggedTarget::read(&run.target);
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
        serde_json::to_writer(&mut out, &entry(journal, logged.as_ref(), &ids, exchange))?;
    }
    out.write_all(b"]}}\n")
}

fn entry<'a>(journal: &Journal, logged: Option<&LoggedTarget>, ids: &BTreeMap<u64, &str>, exchange: &'a Exchange) -> Entry<'a> {
    let took = |from: Stamp, to: Stamp| to.since(from).as_ms().max(0.0);
    let first_byte =
        exchange.first_byte.get().map_or(exchange.done, |first_byte| first_byte.clamp(exchange.sent, exchange.done.max(exchange.sent)));
    Entry {
        started_date_time: started(&journal.run.started, exchange.sent),
        time: took(exchange.sent, exchange.done),
        request: request(journal, logged, ids, exchange),
        response: response(journal.run.target.http, exchange),
        cache: Cache {},
        timings: Timings {
            blocked: UNKNOWN,
            dns: UNKNOWN,
            connect: UNKNOWN,
            ssl: UNKNOWN,
            send: 0,
            wait: took(exchange.sent, first_byte),
            receive: took(first_byte, exchange.done),
        },
        comment: comment(exchange),
        own: exchange,
        connection: exchange.conn.get().map(|connection| connection.to_string()),
    }
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

fn request(journal: &Journal, logged: Option<&LoggedTarget>, ids: &BTreeMap<u64, &str>, exchange: &Exchange) -> Request {
    let id = exchange
        .id
        .as_deref()
        .filter(|_| exchange.kind != Kind::Initiate)
        .or_else(|| ids.get(&exchange.scan.get()?).copied())
        .unwrap_or_default();
    let made = logged.and_then(|logged| Some((logged, logged.of_exchange(exchange, id)?)));
    let made = made.as_ref().map(|(logged, request)| (*logged, request));
    let path = made.map_or_else(String::new, |(logged, request)| logged.written(&request.path));
    let base = journal.run.target.base_url.trim_end_matches('/');
    let url = format!("{base}{}", path.replace('{', "%7B").replace('}', "%7D").replace(' ', "%20"));
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pair = |(name, value): (Cow<'_, str>, Cow<'_, str>)| Pair { name: name.into_owned().into(), value: value.into_owned().into() };
    let headers = made.into_iter().flat_map(|(logged, request)| {
        request.headers.iter().map(|(name, value)| Pair { name: name.clone().into(), value: logged.written(value).into() })
    });
    // By which this very request is found in a tracing backend.
    let traced = journal.run.trace_prefix.zip(exchange.trace).map(|(run, own)| traceparent(run, own));
    let headers = headers.chain(traced.map(|value| Pair { name: "traceparent".into(), value: value.into() }));
    Request {
        method: logged.and_then(|logged| logged.method(exchange.kind)).cloned().unwrap_or_else(|| usual_method(exchange.kind)).to_string(),
        query_string: url::form_urlencoded::parse(query.as_bytes()).map(pair).collect(),
        url,
        http_version: version(journal.run.target.http),
        cookies: [],
        headers: headers.collect(),
        post_data: made.and_then(|(logged, request)| post_data(logged, request)),
        headers_size: UNKNOWN,
        body_size: UNKNOWN,
    }
}

fn post_data(logged: &LoggedTarget, request: &LoggedRequest) -> Option<PostData> {
    if request.body.is_empty() {
        return None;
    }
    let kind = request.headers.iter().find(|(name, _)| name == "content-type");
    Some(PostData {
        mime_type: kind.map_or_else(|| "text/plain".to_owned(), |(_, value)| logged.written(value)),
        params: [],
        text: logged.written(&request.body),
        comment: "as the target file has it; {n} and {uuid} differ from scan to scan",
    })
}

fn response(http: HttpVersion, exchange: &Exchange) -> Response<'_> {
    let body = exchange.body.as_deref();
    Response {
        status: exchange.http.unwrap_or(0),
        status_text: "",
        http_version: version(http),
        cookies: [],
        headers: exchange.worker.iter().map(|worker| Pair { name: "x-worker".into(), value: worker.as_str().into() }).collect(),
        content: Content {
            size: body.map_or(0, str::len),
            mime_type: "",
            text: body,
            comment: body.map(|_| "as the log kept it: bounded, secrets struck out, after a note in brackets on what was wrong with it"),
        },
        redirect_url: "",
        headers_size: UNKNOWN,
        body_size: UNKNOWN,
    }
}
