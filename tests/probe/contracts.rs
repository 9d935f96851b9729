//! Contracts beyond one POST and one GET: each against a small service that checks what it is sent.

use crate::support::driven;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use statusgap::model::answer::Answer;
use statusgap::model::contact::{Contact, ContactStep};
use statusgap::model::exchange::{Exchange, Kind, Purpose};
use statusgap::model::run::Journal;
use statusgap::probe::{Clock, InProcess, Latency, Options, Probe, Recorder, Transport, first_contact};
use tokio::time::Instant;

const POLLS: &str = "[load]\nscans = 2\nevery = '1s'\n[polls]\noffsets = ['0s', '500ms']\n";

async fn run(service: Router, target: &str, scenario: &str) -> Journal {
    run_with(service, target, scenario, driven::options(1)).await
}

async fn run_with(service: Router, target: &str, scenario: &str, options: Options) -> Journal {
    let target = format!("name = 'x'\nbase_url = 'http://main.test'\n{target}");
    let transport = Transport::InProcess(InProcess::new(service, Latency::Fixed(Duration::from_millis(1))));
    driven::journal(&Arc::new(driven::target(&target)), transport, &Clock::virtual_time(), &driven::scenario(scenario), options).await
}

fn of_kind(journal: &Journal, kind: Kind) -> Vec<&Exchange> {
    journal.exchanges.iter().filter(|exchange| exchange.kind == kind).collect()
}

fn answers(journal: &Journal, kind: Kind) -> Vec<Answer> {
    of_kind(journal, kind).iter().map(|exchange| exchange.answer).collect()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn steps_before_the_initiate_give_what_later_requests_need() {
    let uploads = Arc::new(AtomicU64::new(0));
    let upload = {
        let uploads = Arc::clone(&uploads);
        move |body: String| {
            let n = uploads.fetch_add(1, Ordering::Relaxed);
            async move {
                assert!(body.starts_with("{\"name\":\""), "{body}");
                format!("{{\"upload_id\":\"up/{n}\"}}")
            }
        }
    };
    let create = |body: String| async move {
        let (id, upload) = body.split_once(' ').expect("both values");
        ([("x-session-token", "t0ken-of-one-job")], format!("{{\"id\":\"{id}\",\"upload\":\"{upload}\"}}"))
    };
    let read = |Path((upload, id)): Path<(String, String)>, headers: HeaderMap| async move {
        let known = upload.starts_with("up/") && header(&headers, "x-session-token") == "t0ken-of-one-job" && id.len() == 32;
        assert!(known || id.len() == 32, "{upload} {id}");
        if known { StatusCode::OK } else { StatusCode::NOT_FOUND }
    };
    let service = Router::new().route("/uploads", post(upload)).route("/jobs", post(create)).route("/{upload}/{id}", get(read));
    let journal = run(
        service,
        "[[setup]]\npath = '/uploads'\njson = { name = '{uuid}' }\ncapture = { upload = { pointer = '/upload_id' } }\n\
         [initiate]\npath = '/jobs'\nbody = '{uuid} {upload}'\nid = { pointer = '/id' }\n\
         capture = { token = { header = 'X-Session-Token' } }\n\
         [status]\npath = '/{upload}/{id}'\nheaders = { X-Session-Token = '{token}' }\n",
        POLLS,
    )
    .await;
    assert_eq!(uploads.load(Ordering::Relaxed), 2, "once for each scan");
    assert_eq!(answers(&journal, Kind::Setup), [Answer::Accepted; 2]);
    assert_eq!(answers(&journal, Kind::Poll), [Answer::Visible; 4]);
    // The control needs what only a scan gives, and is asked once there is one.
    assert_eq!(of_kind(&journal, Kind::UnknownPoll).len(), 2);
    let setup = of_kind(&journal, Kind::Setup)[0];
    let initiate = of_kind(&journal, Kind::Initiate)[0];
    assert!(setup.done <= initiate.sent);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_starts_no_job_and_says_why() {
    let service = Router::new().route("/login", post(|| async { (StatusCode::BAD_REQUEST, "no such tenant") }));
    let journal = run(
        service,
        "[[setup]]\npath = '/login'\n[initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/jobs/{id}'\n",
        POLLS,
    )
    .await;
    assert_eq!(of_kind(&journal, Kind::Initiate), [] as [&Exchange; 0]);
    let body = of_kind(&journal, Kind::Setup)[0].body.as_deref().unwrap_or_default().to_owned();
    assert!(body.contains("not an accepted code") && body.contains("no such tenant"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn the_clients_own_id_needs_no_reply_and_can_be_asked_for_before_and_after_a_failure() {
    let jobs: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let put = |State(jobs): State<Arc<Mutex<BTreeMap<String, usize>>>>, Path(id): Path<String>| async move {
        let mut jobs = jobs.lock().expect("nobody panics");
        let place = jobs.len();
        jobs.insert(id, place);
        // The second one is made, and is said to have failed.
        if place == 1 { StatusCode::BAD_GATEWAY } else { StatusCode::NO_CONTENT }
    };
    let read = |State(jobs): State<Arc<Mutex<BTreeMap<String, usize>>>>, Path(id): Path<String>| async move {
        if jobs.lock().expect("nobody panics").contains_key(&id) { StatusCode::OK } else { StatusCode::NOT_FOUND }
    };
    let service = Router::new().route("/jobs/{id}", get(read).put(put)).with_state(jobs);
    let journal = run(
        service,
        "[initiate]\nmethod = 'PUT'\npath = '/jobs/{id}'\nid = 'job {uuid}'\norphan = true\n\
         [status]\npath = '/jobs/{id}'\nask_before = true\n",
        POLLS,
    )
    .await;
    assert_eq!(answers(&journal, Kind::EarlyPoll), [Answer::NotFound; 2]);
    assert_eq!(answers(&journal, Kind::Initiate), [Answer::Accepted, Answer::ServerError]);
    assert_eq!(answers(&journal, Kind::Poll), [Answer::Visible; 2]);
    assert_eq!(answers(&journal, Kind::OrphanPoll), [Answer::Visible; 3], "the failed one is there all the same");
    let id = of_kind(&journal, Kind::Initiate)[0].id.as_deref().expect("an id").to_owned();
    assert!(id.starts_with("job ") && id.len() == 36, "{id}");
    let unknown = of_kind(&journal, Kind::UnknownPoll)[0].id.as_deref().expect("an id").to_owned();
    assert!(unknown.starts_with("job "), "an id that was never issued looks like the others: {unknown}");
}

/// A service whose tokens are good for two seconds.
fn with_tokens(logins: Arc<AtomicU64>, says_how_long: bool) -> Router {
    let issued: Arc<Mutex<BTreeMap<String, Instant>>> = Arc::default();
    let known = Arc::clone(&issued);
    let log_in = move |body: String| {
        let n = logins.fetch_add(1, Ordering::Relaxed);
        let issued = Arc::clone(&issued);
        async move {
            assert_eq!(body, "password=p&user=u");
            // Others ask meanwhile.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let token = format!("s3cret-token-{n}");
            issued.lock().expect("nobody panics").insert(token.clone(), Instant::now());
            let expires = if says_how_long { ",\"expires_in\":2" } else { "" };
            format!("{{\"access_token\":\"{token}\"{expires}}}")
        }
    };
    let guard = move |headers: HeaderMap, answer: Response| {
        let token = header(&headers, "authorization").trim_start_matches("Bearer ").to_owned();
        let is_good = known.lock().expect("nobody panics").get(&token).is_some_and(|at| at.elapsed() < Duration::from_secs(2));
        if is_good { answer } else { (StatusCode::UNAUTHORIZED, format!("bad token {token}")).into_response() }
    };
    let (of_create, of_read) = (guard.clone(), guard);
    let create = move |headers: HeaderMap| async move { of_create(headers, "{\"id\":\"j1\"}".into_response()) };
    let read = move |Path(id): Path<String>, headers: HeaderMap| async move {
        of_read(headers, if id == "j1" { StatusCode::OK } else { StatusCode::NOT_FOUND }.into_response())
    };
    Router::new().route("/login", post(log_in)).route("/jobs", post(create)).route("/jobs/{id}", get(read))
}

const WITH_LOGIN: &str = "[users.owner]\nheaders = { Authorization = 'Bearer {token}' }\n\
    [login]\npath = '/login'\nform = { user = 'u', password = 'p' }\ncapture = { token = { pointer = '/access_token' } }\nEXPIRES\
    [initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/jobs/{id}'\n";

#[tokio::test(start_paused = true)]
async fn a_login_is_made_once_for_all_and_renewed_before_it_expires() {
    let logins = Arc::new(AtomicU64::new(0));
    let target = WITH_LOGIN.replace("EXPIRES", "expires = { pointer = '/expires_in' }\n");
    let scenario = "[load]\nscans = 10\nevery = '0s'\n[polls]\noffsets = ['0s', '1s', '3s', '5s']\n";
    let journal = run(with_tokens(Arc::clone(&logins), true), &target, scenario).await;
    assert_eq!(answers(&journal, Kind::Poll), [Answer::Visible; 40]);
    assert_eq!(answers(&journal, Kind::UnknownPoll), [Answer::NotFound; 2]);
    assert_eq!(logins.load(Ordering::Relaxed), 3, "at 0 s, 3 s and 5 s, however many scans wait for it");
    assert_eq!(of_kind(&journal, Kind::Login).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_401_renews_the_login_and_is_no_evidence() {
    let logins = Arc::new(AtomicU64::new(0));
    let target = WITH_LOGIN.replace("EXPIRES", "");
    let scenario = "[load]\nscans = 5\nevery = '0s'\n[polls]\noffsets = ['0s', '3s']\n";
    let journal = run(with_tokens(Arc::clone(&logins), false), &target, scenario).await;
    assert_eq!(logins.load(Ordering::Relaxed), 2);
    let (expired, polls): (Vec<_>, Vec<_>) = of_kind(&journal, Kind::Poll).into_iter().partition(|poll| poll.purpose == Purpose::Expired);
    assert_eq!(expired.iter().map(|poll| poll.answer).collect::<Vec<_>>(), [Answer::Refused; 5]);
    assert_eq!(polls.iter().map(|poll| poll.answer).collect::<Vec<_>>(), [Answer::Visible; 10]);
    let told = serde_json::to_string(&journal.exchanges).expect("plain data");
    assert!(!told.contains("s3cret-token"), "no token in the log: {told}");
}

/// First contact with a service whose jobs are not visible before four seconds, and whose denials are those of a path that does not exist.
async fn contact_with_late_jobs(logins: Arc<AtomicU64>, says_how_long: bool, target: &str) -> Contact {
    let began = Instant::now();
    let late = move |request: Request, next: Next| async move {
        let is_early = request.uri().path() == "/jobs/j1" && began.elapsed() < Duration::from_secs(4);
        let answer = next.run(request).await;
        if is_early && answer.status() == StatusCode::OK { StatusCode::NOT_FOUND.into_response() } else { answer }
    };
    let service = with_tokens(logins, says_how_long).layer(from_fn(late));
    let target = Arc::new(driven::target(&format!("name = 'x'\nbase_url = 'http://main.test'\n{target}")));
    let transport = Transport::InProcess(InProcess::new(service, Latency::Fixed(Duration::from_millis(1))));
    let recorder = Recorder::in_memory_without(target.secrets());
    let probe = Probe::new(target, transport, Clock::virtual_time(), recorder, driven::options(1), |_| {});
    first_contact(&probe, 1).await
}

#[tokio::test(start_paused = true)]
async fn first_contact_renews_its_login_too_when_it_expires_or_is_refused() {
    for (says_how_long, expires) in [(true, "expires = { pointer = '/expires_in' }\n"), (false, "")] {
        let logins = Arc::new(AtomicU64::new(0));
        let contact = contact_with_late_jobs(Arc::clone(&logins), says_how_long, &WITH_LOGIN.replace("EXPIRES", expires)).await;
        assert_eq!(contact.problem, None, "{contact:?}");
        let of = |step| contact.exchanges.iter().filter(|one| one.step == step).collect::<Vec<_>>();
        assert_eq!(of(ContactStep::HandedOut).last().map(|poll| poll.answer), Some(Answer::Visible), "{contact:?}");
        let refused = contact.exchanges.iter().filter(|one| one.answer == Answer::Refused).count();
        let made = logins.load(Ordering::Relaxed);
        assert!(of(ContactStep::Login).len() as u64 == made && made > 1, "{contact:?}");
        assert_eq!(refused, if says_how_long { 0 } else { made as usize - 1 }, "each 401 makes one login anew: {contact:?}");
        assert!(!format!("{contact:?}").contains("s3cret-token"), "{contact:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn cookies_go_back_only_where_the_file_says_so() {
    let create = || async { ([("set-cookie", "sid=s3cret-cookie; Path=/; HttpOnly")], "{\"id\":\"j1\"}") };
    let read = |Path(id): Path<String>, headers: HeaderMap| async move {
        let is_known = id == "j1" && header(&headers, "cookie") == "sid=s3cret-cookie";
        if is_known { StatusCode::OK } else { StatusCode::NOT_FOUND }
    };
    let service = Router::new().route("/jobs", post(create)).route("/jobs/{id}", get(read));
    let contract = "[initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/jobs/{id}'\n";
    for (cookies, expected) in [("", Answer::NotFound), ("cookies = true\n", Answer::Visible)] {
        let journal = run(service.clone(), &format!("{cookies}{contract}"), POLLS).await;
        assert_eq!(answers(&journal, Kind::Poll), [expected; 4], "{cookies}");
    }
    let journal = run(service, &format!("{contract}cookies = true\n"), POLLS).await;
    assert_eq!(answers(&journal, Kind::Poll), [Answer::Visible; 4], "for one endpoint alone");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_handed_out_anew_is_followed() {
    let create = || async { ([("location", "/queue/item/7")], "{\"next\":\"/queue/item/7?tree=1\"}") };
    let item = |Path(n): Path<String>, Query(query): Query<BTreeMap<String, String>>| async move {
        assert_eq!(query.get("tree").map(String::as_str), Some("1"), "{n}");
        if n == "7" { "{\"state\":\"queued\",\"next\":\"/run/9\"}".into_response() } else { StatusCode::NOT_FOUND.into_response() }
    };
    let service = Router::new()
        .route("/jobs", post(create))
        .route("/queue/item/{n}/api/json", get(item))
        .route("/run/9/api/json", get(|| async { "{\"state\":\"running\"}" }));
    let contract = "[initiate]\npath = '/jobs'\nid = { header = 'Location', pattern = 'item/([0-9]+)' }\n\
        [status]\nfollow = { pointer = '/next', suffix = '/api/json', chain = CHAIN }\nstate = { pointer = '/state' }\n";
    let words = |journal: &Journal| -> Vec<String> {
        of_kind(journal, Kind::Poll).iter().map(|poll| poll.word.as_deref().unwrap_or_default().to_owned()).collect()
    };
    let journal = run(service.clone(), &contract.replace("CHAIN", "true"), POLLS).await;
    assert_eq!(words(&journal), ["queued", "running", "queued", "running"]);
    let journal = run(service, &contract.replace("CHAIN", "false"), POLLS).await;
    assert_eq!(words(&journal), ["queued"; 4]);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_looked_at_page_by_page() {
    let create = || async { "{\"id\":7}" };
    let list = |Query(query): Query<BTreeMap<String, String>>| async move {
        match query.get("page").map_or("1", String::as_str) {
            "1" => "{\"jobs\":[{\"id\":9}],\"next\":\"/jobs?page=2\"}",
            "2" => "{\"jobs\":[{\"id\":8}],\"next\":\"/jobs?page=3\"}",
            _ => "{\"jobs\":[{\"id\":7,\"state\":\"busy\"}],\"next\":null}",
        }
    };
    let service = Router::new().route("/jobs", post(create).get(list));
    let contract = "[initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/jobs'\n\
        pages = { next = { pointer = '/next' }, most = MOST }\n\
        [[status.answer]]\nis = 'not_found'\nwhen = { http = 200, jsonpath = '$.jobs[?@.id == {id:raw}]', exists = false }\n";
    let journal = run(service.clone(), &contract.replace("MOST", "3"), POLLS).await;
    assert_eq!(answers(&journal, Kind::Poll), [Answer::Visible; 4]);
    let pages = of_kind(&journal, Kind::Page);
    assert_eq!(pages.len(), 8);
    let poll = of_kind(&journal, Kind::Poll)[0];
    assert_eq!(poll.sent, pages[0].sent, "a poll says what was so when it began");
    let journal = run(service, &contract.replace("MOST", "2"), POLLS).await;
    assert_eq!(answers(&journal, Kind::Poll), [Answer::NotFound; 4], "further than that it is not looked for");
}

#[tokio::test(start_paused = true)]
async fn a_conditional_poll_is_as_before() {
    let create = || async { "{\"id\":\"j1\"}" };
    let read = |Path(id): Path<String>, headers: HeaderMap| async move {
        match (id.as_str(), header(&headers, "if-none-match")) {
            ("j1", "\"v1\"") => StatusCode::NOT_MODIFIED.into_response(),
            ("j1", "") => ([("etag", "\"v1\"")], "{\"state\":\"busy\"}").into_response(),
            (_, other) => (StatusCode::NOT_FOUND, other.to_owned()).into_response(),
        }
    };
    let service = Router::new().route("/jobs", post(create)).route("/jobs/{id}", get(read));
    let journal = run(
        service,
        "[initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/jobs/{id}'\nconditional = true\nstate = { pointer = '/state' }\n",
        POLLS,
    )
    .await;
    let polls: Vec<_> =
        of_kind(&journal, Kind::Poll).iter().map(|poll| (poll.http, poll.answer, poll.word.as_deref().map(str::to_owned))).collect();
    let busy = Some("busy".to_owned());
    let once = [(Some(200), Answer::Visible, busy.clone()), (Some(304), Answer::Visible, busy)];
    assert_eq!(polls, [once.clone(), once].concat());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_may_live_elsewhere_and_at_several_addresses_by_turns() {
    let create = |headers: HeaderMap| async move {
        assert_eq!(header(&headers, "host"), "write.test");
        "{\"id\":\"j1\"}"
    };
    let read = |Path(id): Path<String>, headers: HeaderMap| async move {
        assert_eq!(header(&headers, "x-key"), "k", "it is the file that names the address, so the user's headers go there");
        match (id.as_str(), header(&headers, "host")) {
            ("j1", "a.test:81") => StatusCode::OK,
            (_, "a.test:81" | "b.test:82") => StatusCode::NOT_FOUND,
            (_, other) => panic!("asked at {other}"),
        }
    };
    let service = Router::new().route("/w/jobs", post(create)).route("/jobs/{id}", get(read));
    let journal = run(
        service,
        "[users.owner]\nheaders = { X-Key = 'k' }\n\
         [initiate]\npath = '/jobs'\nbase_url = 'http://write.test/w'\nid = { pointer = '/id' }\n\
         [status]\npath = '/jobs/{id}'\nbase_url = ['http://a.test:81', 'http://b.test:82']\n",
        "[load]\nscans = 1\n[polls]\noffsets = ['0s', '100ms', '200ms', '300ms']\n",
    )
    .await;
    assert_eq!(answers(&journal, Kind::Poll), [Answer::Visible, Answer::NotFound, Answer::Visible, Answer::NotFound]);
    let at: Vec<_> = of_kind(&journal, Kind::Poll).iter().map(|poll| poll.worker.as_deref().unwrap_or_default().to_owned()).collect();
    assert_eq!(at, ["a.test:81", "b.test:82", "a.test:81", "b.test:82"]);
}

#[tokio::test(start_paused = true)]
async fn a_reply_may_be_incomplete_and_says_when_its_record_was_made() {
    let polls = Arc::new(AtomicU64::new(0));
    let create = || async { "{\"id\":\"j1\"}" };
    let read = move |Path(id): Path<String>| {
        let n = polls.fetch_add(1, Ordering::Relaxed);
        async move {
            let body = |tags: &str| format!("{{\"tags\":{tags},\"created_at\":\"2026-01-01T00:00:01.5Z\"}}").into_response();
            match (id.as_str(), n) {
                ("j1", 0..=2) => body("[]"),
                ("j1", _) => body("[\"a\"]"),
                _ => StatusCode::NOT_FOUND.into_response(),
            }
        }
    };
    let service = Router::new().route("/jobs", post(create)).route("/jobs/{id}", get(read));
    let journal = run(
        service,
        "[initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/jobs/{id}'\n\
         complete = { pointer = '/tags', empty = false }\ncreated = { pointer = '/created_at' }\n",
        "[load]\nscans = 1\n[polls]\noffsets = ['0s', '100ms', '200ms']\n",
    )
    .await;
    let told: Vec<_> = of_kind(&journal, Kind::Poll).iter().map(|poll| (poll.complete, poll.created.get())).collect();
    let made = Some(1_767_225_601_500);
    assert_eq!(told, [(Some(false), made), (Some(true), made), (Some(true), made)]);
}

#[tokio::test(start_paused = true)]
async fn the_first_event_of_a_stream_is_the_answer() {
    let create = || async { "{\"id\":\"j1\"}" };
    let read = |Path(id): Path<String>, headers: HeaderMap| async move {
        assert_eq!(header(&headers, "accept"), "text/event-stream");
        if id != "j1" {
            return (StatusCode::NOT_FOUND, "{}").into_response();
        }
        // A beat at once, the state after 50 ms, and no end.
        let events = futures_util::stream::unfold(0_u32, |n| async move {
            tokio::time::sleep(Duration::from_millis(if n == 0 { 0 } else { 50 })).await;
            let event = if n == 0 { ": beat\n\n".to_owned() } else { format!("event: state\ndata: {{\"state\":\"busy\",\"n\":{n}}}\n\n") };
            Some((Ok::<_, std::convert::Infallible>(event), n + 1))
        });
        ([("content-type", "text/event-stream")], axum::body::Body::from_stream(events)).into_response()
    };
    let service = Router::new().route("/jobs", post(create)).route("/jobs/{id}", get(read));
    let journal = run(
        service,
        "[initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/jobs/{id}'\n\
         headers = { Accept = 'text/event-stream' }\nstate = { pointer = '/state' }\nprogress = { pointer = '/n' }\n",
        POLLS,
    )
    .await;
    assert_eq!(answers(&journal, Kind::Poll), [Answer::Visible; 4]);
    for poll in of_kind(&journal, Kind::Poll) {
        assert_eq!((poll.word.as_deref(), poll.progress.get()), (Some("busy"), Some(1.0)));
        let took = poll.round_trip();
        assert!(took >= Duration::from_millis(50) && took < Duration::from_millis(100), "up to the event, and no longer: {took:?}");
    }
}
