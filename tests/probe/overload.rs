//! What a run may cost its target: jobs are counted exactly, a target that throttles for ever ends the run, and nothing hangs.
//! Servers of these tests run in process, on a paused clock.

use crate::support::driven;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Response};
use statusgap::analysis::analyse;
use statusgap::model::run::{EndReason, Journal};
use statusgap::model::scenario::Scenario;
use statusgap::probe::{Clock, InProcess, Jobs, Latency, Options, Probe, Recorder, Restraint, Transport};
use statusgap::target::Target;
use statusgap::verdict::{Verdict, judge};

const TARGET: &str = r#"
name = "jobs"
base_url = "http://127.0.0.1:1"
[initiate]
path = "/jobs"
json = { n = "{n}" }
id = { pointer = "/id" }
[status]
path = "/jobs/{id}"
state = { pointer = "/state" }
[status.states]
running = ["running"]
succeeded = ["done"]
"#;

/// A request as a server of these tests sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Post,
    /// A poll of an id that was handed out.
    Poll,
    /// A poll of another id.
    Unknown,
}

/// What a server answers instead: a code and headers.
type Refusal = Option<(u16, &'static [(&'static str, &'static str)])>;

/// A sound API whose jobs are done at once, but for what `refuse` says of the n-th request; counts the POSTs.
fn server(refuse: impl Fn(Asked, u64) -> Refusal + Send + Sync + 'static) -> (Router, Arc<AtomicU64>) {
    let posts = Arc::new(AtomicU64::new(0));
    let (counted, requests, refuse) = (Arc::clone(&posts), Arc::new(AtomicU64::new(0)), Arc::new(refuse));
    let answer = move |request: Request| {
        let nth = requests.fetch_add(1, Ordering::Relaxed);
        let known = request.uri().path().starts_with("/jobs/job-");
        let asked = match (request.method() == Method::POST, known) {
            (true, _) => Asked::Post,
            (_, true) => Asked::Poll,
            _ => Asked::Unknown,
        };
        let post = if asked == Asked::Post { counted.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let (code, headers, body) = match (refuse(asked, nth), asked) {
            (Some((code, headers)), _) => (code, headers, "{}".to_owned()),
            (None, Asked::Post) => (202, [].as_slice(), format!("{{\"id\":\"job-{post}\"}}")),
            (None, Asked::Poll) => (200, [].as_slice(), "{\"state\":\"done\"}".to_owned()),
            (None, Asked::Unknown) => (404, [].as_slice(), "{}".to_owned()),
        };
        let reply = headers.iter().fold(Response::builder().status(code), |reply, (name, value)| reply.header(*name, *value));
        std::future::ready(reply.body(Body::from(body)).expect("a reply"))
    };
    (Router::new().fallback(answer), posts)
}

fn paused<T>(run: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(run)
}

fn over(router: Router) -> Transport {
    Transport::InProcess(InProcess::new(router, Latency::Fixed(Duration::from_millis(1))))
}

fn options(restraint: Restraint) -> Options {
    Options { restraint, ..driven::options(7) }
}

/// Runs a scenario against a server, for as long as it takes.
fn run(router: Router, scenario: &Scenario, restraint: Restraint) -> Journal {
    paused(async {
        let target = Arc::new(driven::target(TARGET));
        driven::journal(&target, over(router), &Clock::virtual_time(), scenario, options(restraint)).await
    })
}

/// 200 scans one after the other, each polled twice: some minutes' work for a target that answers each request after 30 s.
fn gate() -> Scenario {
    driven::scenario(
        "[load]\nscans = 200\nevery = \"20ms\"\n[controls]\nunknown_id = 100\n[polls]\noffsets = [\"0s\", \"100ms\"]\ntolerance = \"50ms\"\n",
    )
}

#[test]
fn a_target_that_throttles_for_ever_ends_the_run_within_a_stated_time_and_is_told_so() {
    const EVERY: [Asked; 3] = [Asked::Post, Asked::Poll, Asked::Unknown];
    const AFTER_30: &[(&str, &str)] = &[("retry-after", "30")];
    const TEN_YEARS: &[(&str, &str)] = &[("retry-after", "315360000")];
    const NEGATIVE: &[(&str, &str)] = &[("retry-after", "-5")];
    const DATE: &[(&str, &str)] = &[("date", "Mon, 05 Jan 2026 09:00:00 GMT"), ("retry-after", "Mon, 05 Jan 2026 09:00:20 GMT")];
    for (which, code, headers, told) in [
        (&EVERY[..], 429, AFTER_30, "the target answered 429 to every request for 60 s (Retry-After: 30)"),
        (&EVERY, 429, TEN_YEARS, "the target answered 429 to every request for 60 s (Retry-After: 315360000)"),
        (&EVERY, 429, NEGATIVE, "the target answered 429 to every request for 60 s"),
        (&EVERY, 429, &[], "the target answered 429 to every request for 60 s"),
        (&EVERY, 429, DATE, "the target answered 429 to every request for 60 s (Retry-After: 20)"),
        (&EVERY, 503, AFTER_30, "the target answered 503 to every request for 60 s (Retry-After: 30)"),
        (&EVERY[..1], 429, AFTER_30, "the target answered 429 to every initiate request for 60 s (Retry-After: 30)"),
        (&EVERY[1..2], 429, AFTER_30, "the target answered 429 to every poll request for"),
        // The controls come first, so that nothing else was asked.
        (&EVERY[2..], 429, AFTER_30, "the target answered 429 to every request for 60 s (Retry-After: 30)"),
    ] {
        let (router, _) = server(move |asked, _| which.contains(&asked).then_some((code, headers)));
        let journal = run(router, &gate(), Restraint::default());
        let end = journal.end.clone().unwrap();
        let seconds = end.at.0 / 1_000_000_000;
        assert!(matches!(end.reason, EndReason::Throttled { .. }) && (60..130).contains(&seconds), "{told}: {end:?}");
        let judgement = judge(&journal, &analyse(&journal));
        let reasons: Vec<String> = judgement.reasons.iter().map(statusgap::report::sentences::reason).collect();
        assert_eq!(judgement.verdict, Verdict::Inconclusive, "{reasons:?}");
        assert!(reasons.iter().any(|reason| reason.starts_with(told)), "{told}\n{reasons:?}");
    }
}

#[test]
fn a_target_that_lets_some_requests_through_is_waited_for() {
    let (router, _) = server(|_, nth| nth.is_multiple_of(20).then_some((429, &[("retry-after", "1")][..])));
    let journal = run(router, &gate(), Restraint::default());
    assert_eq!(journal.end.as_ref().map(|end| end.reason), Some(EndReason::Complete));
}

#[test]
fn a_server_error_without_a_wait_is_no_wish_for_one() {
    let (router, _) = server(|_, _| Some((503, &[])));
    let journal = run(router, &gate(), Restraint::default());
    let end = journal.end.unwrap();
    assert!(end.reason == EndReason::Complete && end.at.0 < 10_000_000_000, "{end:?}");
}

/// Five scans, each asked for again when it has been seen: ten jobs.
fn repeats() -> Scenario {
    driven::scenario(
        "[load]\nscans = 5\nevery = \"20ms\"\n[follow]\nuntil = \"visible\"\nevery = \"10ms\"\ndeadline = \"1s\"\n\
         [then]\naction = \"repeat\"\nwhen = \"visible\"\noffsets = [\"0s\"]\n",
    )
}

#[test]
fn never_one_post_more_than_the_limit_repeats_and_failures_included() {
    for fails in [false, true] {
        for most in 0..12 {
            let (router, posts) = server(move |asked, nth| (fails && asked == Asked::Post && nth % 3 == 0).then_some((500, &[])));
            let jobs = Jobs::at_most(Some(most));
            run(router, &repeats(), Restraint { jobs: jobs.clone(), ..Restraint::default() });
            let sent = posts.load(Ordering::Relaxed);
            assert_eq!(sent, jobs.started(), "counted as sent");
            assert!(sent <= most && (fails || sent == most.min(10)), "{sent} of {most}");
        }
    }
}

#[test]
fn two_targets_that_are_probed_by_turns_have_one_limit() {
    let ((first, first_posts), (second, second_posts)) = (server(|_, _| None), server(|_, _| None));
    paused(async {
        let target: Arc<Target> = Arc::new(driven::target(TARGET));
        let clock = Clock::virtual_time();
        let options = options(Restraint { jobs: Jobs::at_most(Some(7)), ..Restraint::default() });
        let [one, other] = [first, second]
            .map(|router| Probe::new(Arc::clone(&target), over(router), clock.clone(), Recorder::in_memory(), options.clone(), |_| {}));
        one.run_beside(&other, &[gate()]).await.unwrap();
    });
    let [first, second] = [first_posts, second_posts].map(|posts| posts.load(Ordering::Relaxed));
    assert!(first + second == 7 && first >= 3 && second >= 3, "{first} and {second}");
}

/// What the binary says and with which code it ends.
fn statusgap(folder: &std::path::Path, words: &str) -> (i32, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_statusgap")).args(words.split(' ')).current_dir(folder).output().expect("it starts");
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    (out.status.code().unwrap_or(-1), text)
}

#[test]
fn a_plan_of_more_jobs_than_are_allowed_is_refused_with_the_numbers_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    for (words, code, told) in [
        ("run immediate --virtual --service sound --max-jobs 49", 2, "this run would start 50 jobs, and --max-jobs allows 49"),
        ("run immediate --virtual --service sound --max-jobs 50 --dry-run", 0, "50 jobs started in all"),
        ("run repeat-request --virtual --service sound --max-jobs 1", 2, "jobs, and --max-jobs allows 1"),
        ("run immediate --virtual --service sound --against-service sound --max-jobs 99", 2, "with both targets, would start 100 jobs"),
        ("run immediate --virtual --service sound --shard 1/2 --seed 1 --max-jobs 49", 2, "with all its shards, would start 50 jobs"),
        ("watch --virtual --service sound --rounds 1 --max-jobs 1", 2, "a round would start"),
        ("run immediate --virtual --service sound --max-jobs 0", 2, "0 is not in 1"),
        ("run immediate --virtual --service sound --dry-run", 0, "in any case (--budget)"),
    ] {
        let (exit, text) = statusgap(folder.path(), words);
        assert!(exit == code && text.contains(told), "{words}: {exit}\n{text}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn a_budget_is_an_upper_bound() {
    let folder = tempfile::tempdir().unwrap();
    for (command, seconds) in [("reproduce", 2), ("reproduce", 7), ("run completion", 1)] {
        let words = format!("{command} --virtual --service deferred --seed 1 --budget {seconds}s --out out");
        let (exit, text) = statusgap(folder.path(), &words);
        let log = std::fs::read(folder.path().join("out/log.ndjson")).unwrap();
        let journal = statusgap::log::read("log", log.as_slice()).unwrap();
        let end = journal.end.unwrap();
        assert!(end.reason == EndReason::Budget && end.at.0 <= seconds * 1_000_000_000 + 1_000_000, "{command}: {end:?}");
        assert!(exit == 1 || exit == 3, "{exit}\n{text}");
        std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    }
}

#[test]
fn an_inquiry_keeps_to_its_limit_names_what_it_left_out_and_does_not_exclude_what_that_would_have_told() {
    let folder = tempfile::tempdir().unwrap();
    for most in [1, 2, 5, 12, 25, 50] {
        let words = format!("reproduce --virtual --service sound --seed 3 --max-jobs {most} --out out --format json -q");
        let (_, text) = statusgap(folder.path(), &words);
        let result: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let started = result["jobs"]["started"].as_u64().unwrap();
        assert!(started <= most && started + 12 >= most, "{started} of {most}");
        let open: Vec<&str> = result["undecided"].as_array().unwrap().iter().filter_map(|told| told.as_str()).collect();
        let queue_asked = !open.iter().any(|told| told.starts_with("not asked: together"));
        assert_eq!(queue_asked, most >= 12, "{most}: {open:?}");
        let excludes_queue = result["ruled_out"].as_array().unwrap().iter().any(|out| out["class"] == "E");
        assert!(queue_asked || !excludes_queue, "{most}");
        std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    }
}

#[test]
fn a_dry_run_of_an_inquiry_shows_every_step_and_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (exit, text) = statusgap(folder.path(), "reproduce --virtual --service sound --dry-run --max-jobs 20");
    assert_eq!(exit, 0, "{text}");
    for told in [
        "never-issued ids",
        "together: 12 scans at once",
        "at most 12 jobs",
        "all jobs at once",
        "at most 20 jobs in all",
        "nothing was sent",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
}
