//! The probe against answers that the reference service never gives: each ends in its bucket of the log and in the right verdict.
//!
//! Canned replies travel over real sockets, since what is tested is what the HTTP client makes of them; what takes time is
//! answered by a router in process, on virtual time.

use crate::support::driven;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::StreamExt;
use statusgap::analysis::analyse;
use statusgap::model::answer::{Answer, TransportFault};
use statusgap::model::exchange::{Exchange, Kind};
use statusgap::model::run::Journal;
use statusgap::model::scenario::Scenario;
use statusgap::model::time::Nanos;
use statusgap::probe::{Clock, InProcess, Latency, Network, Transport};
use statusgap::verdict::{Judgement, Reason, Verdict, judge};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{body_string, header as has_header, method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A target with the ids of these tests; `initiate` and `status` are the rest of those sections.
fn target_at(base_url: &str, initiate: &str, status: &str) -> String {
    format!(
        "name = 'canned'\nbase_url = '{base_url}'\nunknown_id = 'never-{{uuid}}'\n[initiate]\npath = '/jobs'\n{initiate}\n[status]\n{status}\n"
    )
}

const ID_IN_BODY: &str = "json = { n = '{n}' }\nid = { pointer = '/id' }";
const BY_CODE: &str = "path = '/jobs/{id}'";
const WITH_STATES: &str = "path = '/jobs/{id}'\nstate = { pointer = '/state' }\nstates = { running = ['busy'], succeeded = ['done'] }";

/// One scan, one poll at once. Punctuality is not what is tested here, and a busy machine must not decide.
fn one_poll() -> Scenario {
    driven::scenario("[load]\nscans = 1\n[polls]\noffsets = ['0s']\ntolerance = '1m'\n[controls]\nunknown_id = 1")
}

/// What came of one run.
struct Outcome {
    journal: Journal,
    judgement: Judgement,
}

impl Outcome {
    fn of(journal: Journal) -> Outcome {
        let judgement = judge(&journal, &analyse(&journal));
        Outcome { journal, judgement }
    }

    fn only(&self, kind: Kind) -> &Exchange {
        let mut found = self.journal.exchanges.iter().filter(|exchange| exchange.kind == kind);
        match (found.next(), found.next()) {
            (Some(only), None) => only,
            _ => panic!("not one {kind:?}: {:#?}", self.journal.exchanges),
        }
    }
}

/// Runs over real sockets.
async fn over_sockets(base_url: &str, target: &str) -> Outcome {
    let target = Arc::new(driven::target(target));
    let network = Transport::Network(Network::new(base_url).expect("a client"));
    let clock = Clock::real().expect("a kernel timer");
    Outcome::of(driven::journal(&target, network, &clock, &one_poll(), driven::options(1)).await)
}

/// Runs in process on virtual time.
async fn in_process(router: Router, target: &str, scenario: &Scenario) -> Outcome {
    let target = Arc::new(driven::target(target));
    let transport = Transport::InProcess(InProcess::new(router, Latency::Fixed(Duration::from_millis(1))));
    Outcome::of(driven::journal(&target, transport, &Clock::virtual_time(), scenario, driven::options(1)).await)
}

#[tokio::test(start_paused = true)]
async fn requests_in_process_carry_what_those_over_sockets_carry() {
    let asked: Arc<std::sync::Mutex<Vec<axum::http::HeaderMap>>> = Arc::default();
    let noted = Arc::clone(&asked);
    let router = Router::new().fallback(move |headers: axum::http::HeaderMap| {
        noted.lock().expect("no panic").push(headers);
        async { axum::http::StatusCode::NOT_FOUND }
    });
    let target = Arc::new(driven::target(&target_at("http://127.0.0.1:1", ID_IN_BODY, BY_CODE)));
    let transport = Transport::InProcess(InProcess::new(router, Latency::Fixed(Duration::from_millis(1))).named("r-7"));
    driven::journal(&target, transport, &Clock::virtual_time(), &one_poll(), driven::options(1)).await;
    let asked = asked.lock().expect("no panic");
    assert!(!asked.is_empty());
    for headers in asked.iter() {
        for (name, value) in [
            ("x-statusgap-run", "r-7"),
            ("user-agent", concat!("statusgap/", env!("CARGO_PKG_VERSION"))),
            ("accept", "*/*"),
            ("accept-encoding", "identity"),
            ("host", "127.0.0.1:1"),
        ] {
            assert_eq!(headers.get(name).and_then(|value| value.to_str().ok()), Some(value), "{name}");
        }
    }
    assert!(asked.iter().any(|headers| headers.contains_key("content-length")), "a POST has one");
}

/// A server that accepts every job as `j-1`, denies every other id, and answers about `j-1` as told.
async fn server(status: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let accepted = ResponseTemplate::new(202).set_body_json(serde_json::json!({ "id": "j-1" }));
    Mock::given(method("POST")).and(path("/jobs")).respond_with(accepted).mount(&server).await;
    Mock::given(method("GET")).and(path("/jobs/j-1")).respond_with(status).mount(&server).await;
    server
}

fn json(code: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(code).set_body_raw(body.as_bytes().to_vec(), "application/json")
}

#[tokio::test]
async fn every_answer_to_a_poll_ends_in_its_bucket_and_in_the_right_verdict() {
    const NULL_IS_ABSENT: &str =
        "path = '/jobs/{id}'\nstate = { pointer = '/state' }\n[[status.answer]]\nis = 'not_found'\nwhen = { pointer = '', null = true }";
    const LISTED: &str =
        "path = '/jobs/{id}'\n[[status.answer]]\nis = 'not_found'\nwhen = { jsonpath = \"$[?@.id == '{id:raw}']\", exists = false }";
    const NO_JOB: &str =
        "path = '/jobs/{id}'\n[[status.answer]]\nis = 'not_found'\nwhen = { http = 200, pointer = '/error/code', one_of = ['NO_JOB'] }";
    let too_large = vec![b'x'; 1024 * 1024 + 1];
    let cases = [
        ("404 with a body", json(404, r#"{"error":"no such job"}"#), BY_CODE, Answer::NotFound, Verdict::Fail),
        ("410", ResponseTemplate::new(410), BY_CODE, Answer::NotFound, Verdict::Fail),
        ("200 and an error in the body", json(200, r#"{"error":{"code":"NO_JOB"}}"#), NO_JOB, Answer::NotFound, Verdict::Fail),
        ("200 null where null means absent", json(200, "null"), NULL_IS_ABSENT, Answer::NotFound, Verdict::Fail),
        ("a list without the job", json(200, r#"[{"id":"j-2"}]"#), LISTED, Answer::NotFound, Verdict::Fail),
        ("an empty list", json(200, "[]"), LISTED, Answer::NotFound, Verdict::Fail),
        ("a list with the job", json(200, r#"[{"id":"j-2"},{"id":"j-1"}]"#), LISTED, Answer::Visible, Verdict::Pass),
        ("a state", json(200, r#"{"state":"busy"}"#), WITH_STATES, Answer::Visible, Verdict::Pass),
        ("a state that is still null", json(200, r#"{"state":null}"#), WITH_STATES, Answer::Visible, Verdict::Pass),
        ("204 without a body", ResponseTemplate::new(204), BY_CODE, Answer::Visible, Verdict::Pass),
        ("401", ResponseTemplate::new(401), BY_CODE, Answer::Refused, Verdict::Inconclusive),
        ("403", ResponseTemplate::new(403), BY_CODE, Answer::Refused, Verdict::Inconclusive),
        ("429", ResponseTemplate::new(429).insert_header("Retry-After", "0"), BY_CODE, Answer::Throttled, Verdict::Inconclusive),
        ("500", json(500, r#"{"error":"boom"}"#), BY_CODE, Answer::ServerError, Verdict::Inconclusive),
        ("503", ResponseTemplate::new(503), BY_CODE, Answer::ServerError, Verdict::Inconclusive),
        ("JSON that breaks off", json(200, r#"{"state": "bu"#), WITH_STATES, Answer::Malformed, Verdict::Inconclusive),
        ("a page instead of JSON", json(200, "<html>welcome</html>"), WITH_STATES, Answer::Malformed, Verdict::Inconclusive),
        ("418", ResponseTemplate::new(418), BY_CODE, Answer::Malformed, Verdict::Inconclusive),
        (
            "a body beyond the limit",
            ResponseTemplate::new(200).set_body_raw(too_large, "application/json"),
            BY_CODE,
            Answer::Transport,
            Verdict::Inconclusive,
        ),
    ];
    for (name, reply, status, answer, verdict) in cases {
        // An unknown id is answered as this contract answers unknown ids.
        let absent = match status {
            NULL_IS_ABSENT => json(200, "null"),
            LISTED => json(200, "[]"),
            NO_JOB => json(200, r#"{"error":{"code":"NO_JOB"}}"#),
            _ => ResponseTemplate::new(404),
        };
        let server = server(reply).await;
        Mock::given(method("GET")).and(path_regex("^/jobs/never-[0-9a-f]{32}$")).respond_with(absent).mount(&server).await;
        let outcome = over_sockets(&server.uri(), &target_at(&server.uri(), ID_IN_BODY, status)).await;
        let poll = outcome.only(Kind::Poll);
        assert_eq!((poll.answer, outcome.judgement.verdict), (answer, verdict), "{name}: {poll:#?}\n{:?}", outcome.judgement.reasons);
        assert_eq!(poll.was_answered(), answer != Answer::Transport, "{name}: {poll:#?}");
        assert_eq!(
            poll.body.is_some(),
            answer != Answer::Visible && answer != Answer::Transport || name == "a state that is still null",
            "{name}: what is not expected keeps its body, and what is visible by its code alone"
        );
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_told_as_that() {
    let server = server(ResponseTemplate::new(200).set_body_raw(vec![b'x'; 2 << 20], "text/plain")).await;
    let outcome = over_sockets(&server.uri(), &target_at(&server.uri(), ID_IN_BODY, BY_CODE)).await;
    assert_eq!(outcome.only(Kind::Poll).fault, Some(TransportFault::TooLarge));
}

#[tokio::test]
async fn a_redirect_is_recorded_and_not_followed() {
    let server = server(ResponseTemplate::new(302).insert_header("Location", "/login")).await;
    Mock::given(path("/login")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
    let outcome = over_sockets(&server.uri(), &target_at(&server.uri(), ID_IN_BODY, BY_CODE)).await;
    let poll = outcome.only(Kind::Poll);
    assert_eq!((poll.http, poll.answer), (Some(302), Answer::Malformed));
    assert_eq!(outcome.judgement.verdict, Verdict::Inconclusive);
}

#[tokio::test]
async fn an_initiate_without_an_id_is_no_scan_and_no_pass() {
    for (name, reply, answer) in [
        ("no id", json(202, r#"{"job":"j-1"}"#), Answer::Malformed),
        ("an empty id", json(202, r#"{"id":""}"#), Answer::Malformed),
        ("an id that is an object", json(202, r#"{"id":{}}"#), Answer::Malformed),
        ("no JSON", json(202, "accepted"), Answer::Malformed),
        ("refused", json(401, "{}"), Answer::Refused),
        ("throttled", ResponseTemplate::new(429).insert_header("Retry-After", "0"), Answer::Throttled),
        ("failed", json(502, "{}"), Answer::ServerError),
        ("a redirect", ResponseTemplate::new(307).insert_header("Location", "/jobs2"), Answer::Malformed),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST")).and(path("/jobs")).respond_with(reply).mount(&server).await;
        let outcome = over_sockets(&server.uri(), &target_at(&server.uri(), ID_IN_BODY, BY_CODE)).await;
        assert_eq!(outcome.only(Kind::Initiate).answer, answer, "{name}");
        assert!(outcome.judgement.reasons.contains(&Reason::NoScans { initiates: 1 }), "{name}: {:?}", outcome.judgement.reasons);
        assert_eq!(outcome.judgement.verdict, Verdict::Inconclusive, "{name}");
    }
}

#[tokio::test]
async fn an_id_is_taken_from_the_location_and_a_form_is_sent_as_one() {
    let server = MockServer::start().await;
    let accepted = ResponseTemplate::new(201).insert_header("Location", "/jobs/a%20b?from=here");
    Mock::given(method("POST"))
        .and(path("/jobs"))
        .and(has_header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string("kind=full+scan&n=0"))
        .respond_with(accepted)
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET")).and(path("/jobs/a%20b")).respond_with(json(200, "{}")).expect(1).mount(&server).await;
    let initiate = "form = { kind = 'full scan', n = '{n}' }\nid = { header = 'Location', pattern = '/jobs/([^/?]+)' }";
    let outcome = over_sockets(&server.uri(), &target_at(&server.uri(), initiate, "path = '/jobs/{id:raw}'")).await;
    assert_eq!(outcome.only(Kind::Initiate).id.as_deref(), Some("a%20b"));
    assert_eq!(outcome.judgement.verdict, Verdict::Pass, "{:?}", outcome.judgement.reasons);
}

#[tokio::test]
async fn an_address_that_is_handed_out_is_followed_and_the_control_goes_the_same_way() {
    let server = MockServer::start().await;
    let accepted = json(202, r#"{"id":"j-1","poll_url":"/operations/j-1?api=2"}"#);
    Mock::given(method("POST")).and(path("/jobs")).respond_with(accepted).mount(&server).await;
    Mock::given(method("GET")).and(path("/operations/j-1")).respond_with(json(200, "{}")).expect(1).mount(&server).await;
    Mock::given(method("GET"))
        .and(path_regex("^/operations/never-"))
        .respond_with(ResponseTemplate::new(404))
        .expect(1..)
        .mount(&server)
        .await;
    let outcome = over_sockets(&server.uri(), &target_at(&server.uri(), ID_IN_BODY, "follow = { pointer = '/poll_url' }")).await;
    assert_eq!(outcome.only(Kind::Poll).answer, Answer::Visible);
    assert_eq!(outcome.judgement.verdict, Verdict::Pass, "{:?}", outcome.judgement.reasons);
}

#[tokio::test]
async fn an_address_on_another_origin_is_not_asked_with_our_credentials() {
    let stranger = MockServer::start().await;
    Mock::given(wiremock::matchers::any()).respond_with(json(200, "{}")).expect(0).mount(&stranger).await;
    let server = MockServer::start().await;
    let accepted =
        ResponseTemplate::new(202).set_body_json(serde_json::json!({ "id": "j-1", "poll_url": format!("{}/j-1", stranger.uri()) }));
    Mock::given(method("POST")).and(path("/jobs")).respond_with(accepted).mount(&server).await;
    let target = format!(
        "{}[users.owner]\nheaders = {{ Authorization = 'Bearer secret-token' }}\n",
        target_at(&server.uri(), ID_IN_BODY, "follow = { pointer = '/poll_url' }")
    );
    let outcome = over_sockets(&server.uri(), &target).await;
    assert_eq!(outcome.only(Kind::Poll).fault, Some(TransportFault::Request), "the target file does not allow other origins");
    assert_eq!(outcome.judgement.verdict, Verdict::Inconclusive);
}

/// What is written on a socket once a poll has come, and what the log must say.
#[tokio::test]
async fn a_reply_that_breaks_off_is_no_answer() {
    for (name, bytes, fault) in [
        ("a body shorter than announced", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"state\"", TransportFault::Closed),
        ("a chunk that breaks off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"st", TransportFault::Closed),
        ("a head that breaks off", "HTTP/1.1 200 OK\r\nContent-Le", TransportFault::Closed),
        ("nothing at all", "", TransportFault::Closed),
        ("no HTTP", "SSH-2.0-OpenSSH_9.6\r\n\r\n", TransportFault::Protocol),
    ] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = tokio::spawn(serve_raw(listener, bytes));
        let outcome = over_sockets(&base_url, &target_at(&base_url, ID_IN_BODY, WITH_STATES)).await;
        serving.abort();
        let poll = outcome.only(Kind::Poll);
        assert_eq!((poll.answer, poll.fault), (Answer::Transport, Some(fault)), "{name}");
        assert_eq!(outcome.judgement.verdict, Verdict::Inconclusive, "{name}: {:?}", outcome.judgement.reasons);
    }
}

/// Accepts jobs, denies unknown ids, and answers about `j-1` with these bytes and a closed connection.
async fn serve_raw(listener: TcpListener, about_the_job: &'static str) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = Vec::new();
        let mut chunk = [0; 1024];
        let whole = |request: &[u8]| {
            let text = String::from_utf8_lossy(request);
            text.split_once("\r\n\r\n").is_some_and(|(head, body)| !head.starts_with("POST") || body.ends_with('}'))
        };
        while !whole(&request) {
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => break,
                Ok(length) => request.extend_from_slice(&chunk[..length]),
            }
        }
        let reply = match &request {
            request if request.starts_with(b"POST") => {
                "HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{\"id\":\"j-1\"}"
            }
            request if request.starts_with(b"GET /jobs/j-1 ") => about_the_job,
            _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        };
        // A client that has gone away already has seen what it wanted to see.
        let _ = stream.write_all(reply.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_ends_the_run_before_its_load() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let outcome = over_sockets(&base_url, &target_at(&base_url, ID_IN_BODY, BY_CODE)).await;
    assert_eq!(outcome.only(Kind::UnknownPoll).fault, Some(TransportFault::Connect));
    assert!(outcome.journal.exchanges.iter().all(|exchange| exchange.kind == Kind::UnknownPoll), "nothing else was sent");
    assert!(outcome.judgement.reasons.contains(&Reason::Unreachable { fault: TransportFault::Connect }), "{:?}", outcome.judgement.reasons);
    assert_eq!(outcome.judgement.verdict, Verdict::Inconclusive);
}

/// A router that accepts jobs as `j-1`, denies every other id, and answers about `j-1` as told.
fn router<F, R>(status: F) -> Router
where
    F: Fn() -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response> + Send,
{
    Router::new()
        .route("/jobs", post(|| async { (StatusCode::ACCEPTED, r#"{"id":"j-1"}"#) }))
        .route("/jobs/j-1", get(move || status.clone()()))
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_ends_is_given_up_at_the_limit() {
    let never = || async { std::future::pending::<Response>().await };
    let drips = || async {
        let drops = futures_util::stream::iter(0..100).then(|_| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, std::convert::Infallible>(Bytes::from_static(b" "))
        });
        Body::from_stream(drops).into_response()
    };
    let target = target_at("http://127.0.0.1:1", ID_IN_BODY, BY_CODE);
    for (name, outcome, head_came) in [
        ("no head", in_process(router(never), &target, &one_poll()).await, false),
        ("a body that drips", in_process(router(drips), &target, &one_poll()).await, true),
    ] {
        let poll = outcome.only(Kind::Poll);
        assert_eq!(poll.fault, Some(TransportFault::Timeout), "{name}");
        assert_eq!(poll.first_byte.is_some(), head_came, "{name}: what was known of the reply is kept");
        assert_eq!(poll.done.since(poll.sent), Nanos(10_000_000_000), "{name}");
        assert_eq!(outcome.judgement.verdict, Verdict::Inconclusive, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn pooled_exchanges_share_connections_as_far_as_they_do_not_overlap() {
    let busy = || async { r#"{"state":"busy"}"#.into_response() };
    let target = target_at("http://127.0.0.1:1", ID_IN_BODY, WITH_STATES);
    let connections = |load: &'static str, connection: &'static str| {
        let scenario = driven::scenario(&format!(
            "[load]\nscans = 8\n{load}\n[polls]\noffsets = ['5ms', '10ms']\nfillers = 0\nconnection = '{connection}'\n[controls]\nunknown_id = 0"
        ));
        let target = &target;
        async move {
            let exchanges = in_process(router(busy), target, &scenario).await.journal.exchanges;
            assert_eq!(exchanges.len(), 24);
            assert!(exchanges.iter().all(|exchange| exchange.connection.word() == connection));
            let new = exchanges.iter().filter(|exchange| exchange.new_conn == Some(true)).count();
            let mut used: Vec<_> = exchanges.iter().map(|exchange| exchange.conn.get()).collect();
            used.sort_unstable();
            used.dedup();
            assert_eq!(used.len(), new, "each connection is new once");
            new
        }
    };
    let one_by_one = "model = 'closed'\nin_flight = 1";
    assert_eq!(connections(one_by_one, "pooled").await, 1);
    assert_eq!(connections(one_by_one, "keep-alive").await, 8);
    assert_eq!(connections("every = '0ms'", "pooled").await, 8);
    // Nobody keeps a connection for as long as servers do.
    assert_eq!(connections("every = '1m'", "pooled").await, 8);
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_inside_the_bracket() {
    let slow = || async {
        let drops = futures_util::stream::iter(["{\"state\":", "\"busy\"}"]).then(|part| async move {
            tokio::time::sleep(Duration::from_millis(400)).await;
            Ok::<_, std::convert::Infallible>(part)
        });
        Body::from_stream(drops).into_response()
    };
    let target = target_at("http://127.0.0.1:1", ID_IN_BODY, WITH_STATES);
    let outcome = in_process(router(slow), &target, &one_poll()).await;
    let poll = outcome.only(Kind::Poll);
    assert_eq!((poll.answer, poll.word.as_deref()), (Answer::Visible, Some("busy")));
    let head = poll.first_byte.get().expect("a head");
    assert_eq!(poll.done.since(head), Nanos(800_000_000), "the scan counts as seen when the whole answer was read");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_asked_for_is_kept_and_makes_the_held_back_polls_late() {
    let throttled = || async { (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "3")]).into_response() };
    let scenario =
        driven::scenario("[load]\nscans = 1\n[polls]\noffsets = ['0s', '500ms']\ntolerance = '50ms'\n[controls]\nunknown_id = 1");
    let outcome = in_process(router(throttled), &target_at("http://127.0.0.1:1", ID_IN_BODY, BY_CODE), &scenario).await;
    let polls: Vec<&Exchange> = outcome.journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Poll).collect();
    assert_eq!(polls.len(), 2);
    assert!(polls[1].sent >= polls[0].done.after(Duration::from_secs(3)), "sent again before the pause was over");
    assert!(polls[1].lateness() >= Nanos::from(Duration::from_secs(2)), "and the stamps say how late");
    assert_eq!(outcome.judgement.verdict, Verdict::Inconclusive);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_knows_every_id_cannot_be_assessed() {
    let knows_all = Router::new()
        .route("/jobs", post(|| async { (StatusCode::ACCEPTED, r#"{"id":"j-1"}"#) }))
        .route("/jobs/{id}", get(|| async { r#"{"state":"busy"}"# }));
    let outcome = in_process(knows_all, &target_at("http://127.0.0.1:1", ID_IN_BODY, WITH_STATES), &one_poll()).await;
    assert!(!outcome.judgement.assessable);
    assert_eq!(outcome.judgement.verdict, Verdict::Inconclusive);
    assert!(outcome.judgement.reasons.contains(&Reason::UnknownIdVisible));
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_has_room_for_connections_before_they_are_opened() {
    statusgap::probe::make_room_for_connections();
    let number = |file: &str, key: &str| -> u64 {
        let text = std::fs::read_to_string(file).expect("what the kernel tells of this process");
        let line = text.lines().find_map(|line| line.strip_prefix(key)).expect("the line");
        line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(u64::MAX)
    };
    let (room, allowed) = (number("/proc/self/status", "FDSize:"), number("/proc/self/limits", "Max open files"));
    assert!(room >= allowed.min(16 * 1024), "{room} of {allowed}");
}
