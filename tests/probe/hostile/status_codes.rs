//! Codes, redirects, and pauses that are asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use statusgap::model::answer::Answer;
use statusgap::model::time::Nanos;
use statusgap::probe::{Clock, InProcess, Latency, Transport};
use statusgap::verdict::Verdict;

use super::cases::{Case, Fail, Inconclusive, Malformed, NotFound, Outcome, Refused, ServerError, Visible, check, run};
use super::wire::{Act, Script, Server, busy, reply};
use crate::support::driven;

fn code(code: &str) -> Act {
    Act::Say(reply(code, "", br#"{"state":"busy"}"#))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_with_a_good_body_is_still_that_code() {
    check(vec![
        Case::poll("402", code("402 Payment Required"), Malformed, Inconclusive),
        Case::poll("407", code("407 Proxy Authentication Required"), Malformed, Inconclusive),
        Case::poll("300", code("300 Multiple Choices"), Malformed, Inconclusive),
        Case::poll("403", code("403 Forbidden"), Refused, Inconclusive),
        Case::poll("404", code("404 Not Found"), NotFound, Fail),
        Case::poll("599", code("599 Whatever"), ServerError, Inconclusive),
        Case::poll("600", code("600 Beyond"), Malformed, Inconclusive),
        Case::poll(
            "304 to a request without conditions",
            Act::Last(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec()),
            Malformed,
            Inconclusive,
        ),
        Case::poll(
            "204 with a body",
            Act::Last(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}".to_vec()),
            Malformed,
            Inconclusive,
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_not_followed_in_circles_or_to_strangers() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let stranger = Server::start(Script::new(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        busy()
    }))
    .await;
    let to = |address: &str| Act::Say(reply("302 Found", &format!("Location: {address}\r\n"), b""));
    check(vec![
        Case::poll("to itself", to("/jobs/j-1"), Malformed, Inconclusive),
        Case::poll("to another origin", to(&format!("{}/jobs/j-1", stranger.base_url)), Malformed, Inconclusive),
        Case::poll("to a file", to("file:///etc/passwd"), Malformed, Inconclusive),
        Case::poll("to nowhere", to("http://[::1"), Malformed, Inconclusive),
        Case::initiate("an initiate to another origin", to(&format!("{}/jobs", stranger.base_url)), Malformed, Inconclusive),
    ])
    .await;
    assert_eq!(asked.load(Ordering::Relaxed), 0, "the stranger was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_fails_half_the_time_is_not_judged() {
    let script = Script::about_polls(|asked| if asked.nth % 2 == 0 { code("503 Busy") } else { busy() });
    let server = Server::start(script.clone()).await;
    let case = Case::new("503 half the time", script, Visible, Inconclusive).with_scans(5);
    let outcome = run(&case, &server.base_url).await;
    let answers = |answer| outcome.journal.exchanges.iter().filter(|exchange| exchange.answer == answer).count();
    assert_eq!((answers(Answer::ServerError), answers(Answer::Visible)), (5, 5));
    assert_eq!(outcome.judgement.verdict, Verdict::Inconclusive, "{:?}", outcome.judgement.reasons);
}

/// Every request is refused, with whatever the target says of when to come again. The longest pause is 30 s.
#[tokio::test(start_paused = true)]
async fn a_storm_of_429_costs_a_bounded_pause_for_each_request() {
    const SCANS: u64 = 4;
    for retry_after in ["0", "1000000000", "99999999999999999999999", "-5", "Fri, 31 Dec 9999 23:59:59 GMT", "soon", "1e9", "\u{7}"] {
        let refuse = move || async move {
            let value = axum::http::HeaderValue::from_str(retry_after).unwrap_or(axum::http::HeaderValue::from_static(""));
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, value)]).into_response()
        };
        let case = Case::initiate("429", busy(), Answer::Throttled, Inconclusive).with_scans(SCANS as u32);
        let target = Arc::new(driven::target(&case.target("http://127.0.0.1:1")));
        let transport = Transport::InProcess(InProcess::new(Router::new().fallback(refuse), Latency::Fixed(Duration::from_millis(1))));
        let scenario = driven::scenario(&case.scenario());
        let journal = driven::journal(&target, transport, &Clock::virtual_time(), &scenario, driven::options(1)).await;
        let outcome = Outcome::of(retry_after, journal);
        let journal = &outcome.journal;
        assert!(journal.exchanges.iter().all(|exchange| exchange.answer == Answer::Throttled), "{retry_after}");
        // A control, and each scan's initiate, at most once: after a minute of nothing but 429 the run ends.
        assert!((2..=1 + SCANS).contains(&(journal.exchanges.len() as u64)), "{retry_after}: {}", journal.exchanges.len());
        let took = journal.end.as_ref().map(|end| Nanos(end.at.0 as i64)).expect("an end");
        assert!(took <= Nanos::from(Duration::from_secs(32 * (1 + SCANS))), "{retry_after}: {took:?}");
        assert_eq!(outcome.judgement.verdict, Verdict::Inconclusive, "{retry_after}");
    }
}
