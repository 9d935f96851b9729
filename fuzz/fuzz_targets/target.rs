//! A target file is read or refused; one that is read builds requests, recognises them again, and reads any reply.
//!
//! A line `%%` ends the file; after it stand the reply's code, the id that was asked for, and the body, a line each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use statusgap::model::exchange::Kind;
use statusgap::model::secret_names::STRUCK;
use statusgap::model::source::Source;
use statusgap::target::{Accepted, Caller, Hosts, Reply, RouteMatcher, Target, Variables, credentials};

fuzz_target!(|input: &str| {
    let (text, reply) = input.split_once("\n%%\n").unwrap_or((input, "200\n7\n{}"));
    let target = match Target::read(Source { file: "fuzzed.toml", text }, &|_| Some("value".to_owned())) {
        Ok(target) => target,
        Err(error) => {
            error.to_string();
            return;
        }
    };
    let kept = credentials::literals(target.source_text());
    assert!(kept.iter().all(|literal| literal.value == STRUCK), "a credential is left");
    assert!(target.source_text().parse::<toml::Table>().is_ok(), "what is kept is no longer a file");
    let (http, rest) = reply.split_once('\n').unwrap_or((reply, ""));
    let (id, body) = rest.split_once('\n').unwrap_or((rest, ""));
    let http = http.trim().parse().unwrap_or(200);
    let variables = Variables { n: 7, uuid: "00ff".to_owned(), nonce: 3, ..Variables::default() };
    let accepted = Accepted { id: id.to_owned(), ..Accepted::default() };
    let routes = RouteMatcher::new(&target, Hosts::Own);
    if let Ok(request) = target.status(&variables, Caller::Owner, &accepted, None) {
        let _ = routes.route_of(request.method.as_str(), &request.url);
    }
    let _ = target.initiate(&variables);
    let headers = Default::default();
    let reply = Reply { http, headers: &headers, body: body.as_bytes() };
    target.read_initiate(&reply, &variables);
    target.read_status(&reply, id);
    target.read_code(Kind::Poll, http);
});
