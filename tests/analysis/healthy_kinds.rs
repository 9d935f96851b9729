//! What healthy services do and harnesses like to call a fault, beside the fault that looks like it: small services in process, on
//! virtual time.

use crate::support::driven;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use statusgap::analysis::{Analysis, analyse};
use statusgap::model::answer::Answer;
use statusgap::model::exchange::Kind;
use statusgap::model::run::Journal;
use statusgap::probe::{Clock, InProcess, Latency, Transport};
use statusgap::verdict::{Verdict, judge};
use tokio::time::Instant;

/// How a job fares by its age.
#[derive(Clone, Copy)]
struct Ages {
    /// For how long it is at work.
    work: Duration,
    /// How long after that its results are there.
    results: Duration,
    /// For how long status is held while it is at work.
    held: Duration,
    /// Whether status never learns of the end.
    frozen: bool,
}

const HEALTHY: Ages = Ages { work: Duration::from_secs(2), results: Duration::ZERO, held: Duration::ZERO, frozen: false };

type Jobs = Arc<Mutex<Vec<Instant>>>;

fn age(jobs: &Jobs, id: &str) -> Option<Duration> {
    let n: usize = id.strip_prefix("j-")?.parse().ok()?;
    jobs.lock().unwrap_or_else(PoisonError::into_inner).get(n).map(Instant::elapsed)
}

fn service(ages: Ages) -> Router {
    let jobs = Jobs::default();
    let (posted, asked, witnessed, fetched) = (jobs.clone(), jobs.clone(), jobs.clone(), jobs);
    let accept = move || async move {
        let mut jobs = posted.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.push(Instant::now());
        (StatusCode::ACCEPTED, axum::Json(json!({ "id": format!("j-{}", jobs.len() - 1) }))).into_response()
    };
    let state = |done: bool| axum::Json(json!({ "state": if done { "done" } else { "busy" } })).into_response();
    let status = move |Path(id): Path<String>| async move {
        let Some(at) = age(&asked, &id) else { return StatusCode::NOT_FOUND.into_response() };
        if at < ages.work {
            tokio::time::sleep(ages.held.min(ages.work.saturating_sub(at))).await;
        }
        state(!ages.frozen && age(&asked, &id).is_some_and(|at| at >= ages.work))
    };
    let witness = move |Path(id): Path<String>| async move {
        age(&witnessed, &id).map_or_else(|| StatusCode::NOT_FOUND.into_response(), |at| state(at >= ages.work))
    };
    let results = move |Path(id): Path<String>| async move {
        let there = age(&fetched, &id).is_some_and(|at| at >= ages.work + ages.results);
        let answer: Response = if there { "made".into_response() } else { StatusCode::NOT_FOUND.into_response() };
        answer
    };
    Router::new()
        .route("/jobs", post(accept))
        .route("/jobs/{id}", get(status))
        .route("/admin/{id}", get(witness))
        .route("/results/{id}", get(results))
}

async fn run(ages: Ages, status: &str, scenario: &str) -> (Journal, Analysis) {
    let words = "state = { pointer = '/state' }\nstates = { running = ['busy'], succeeded = ['done'] }\n";
    let target = driven::target(&format!(
        "name = 'small'\nbase_url = 'http://127.0.0.1:1'\nunknown_id = 'never-{{uuid}}'\n[initiate]\npath = '/jobs'\n\
         id = {{ pointer = '/id' }}\n[status]\npath = '/jobs/{{id}}'\n{words}{status}\n[witness]\npath = '/admin/{{id}}'\n{words}\
         [results]\npath = '/results/{{id}}'\n"
    ));
    let transport = Transport::InProcess(InProcess::new(service(ages), Latency::Fixed(Duration::from_millis(1))));
    let journal =
        driven::journal(&Arc::new(target), transport, &Clock::virtual_time(), &driven::scenario(scenario), driven::options(1)).await;
    let analysis = analyse(&journal);
    (journal, analysis)
}

fn broken(analysis: &Analysis) -> Vec<&'static str> {
    analysis.guarantees.iter().filter(|checked| checked.broken > 0).map(|checked| checked.guarantee.name()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_outlasts_the_time_out_by_as_long_as_the_target_file_says() {
    let held = Ages { work: Duration::from_secs(30), held: Duration::from_secs(15), ..HEALTHY };
    let polls = "[load]\nscans = 2\n[polls]\noffsets = ['1s']";
    for (status, answered) in [("long_poll = '15s'", true), ("", false)] {
        let (journal, analysis) = run(held, status, polls).await;
        let polls = journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Poll);
        let expected = if answered { Answer::Visible } else { Answer::Transport };
        assert!(polls.clone().count() == 2 && polls.clone().all(|poll| poll.answer == expected), "{status}");
        assert_eq!(judge(&journal, &analysis).verdict == Verdict::Pass, answered, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn results_that_come_after_the_end_are_missed_by_whoever_asks_at_once() {
    let watch =
        "[load]\nscans = 2\n[follow]\nuntil = 'terminal'\nevery = '250ms'\nsettle = '6s'\ndeadline = '20s'\n[readings]\nat_end = true";
    let late = Ages { results: Duration::from_millis(500), ..HEALTHY };
    assert_eq!(broken(&run(late, "", watch).await.1), ["agreement"]);
    assert_eq!(broken(&run(HEALTHY, "", watch).await.1), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_never_shows_the_end_is_asked_again_when_its_witness_says_that_it_came() {
    let watch = "[load]\nscans = 2\n[follow]\nuntil = 'terminal'\nevery = '250ms'\ndeadline = '10s'\n[readings]\nat_end = true";
    let (frozen, slow) = (Ages { frozen: true, ..HEALTHY }, Ages { work: Duration::from_secs(60), ..HEALTHY });
    assert_eq!(broken(&run(frozen, "", watch).await.1), ["completion", "agreement"]);
    let (journal, analysis) = run(slow, "", watch).await;
    assert_eq!(broken(&analysis), [""; 0]);
    assert_eq!(judge(&journal, &analysis).verdict, Verdict::Pass);
    // It ended while nobody looked, just after the watch.
    for work in [9_900, 10_000, 10_005, 10_100, 10_900] {
        let (_, analysis) = run(Ages { work: Duration::from_millis(work), ..HEALTHY }, "", watch).await;
        assert_eq!(broken(&analysis), [""; 0], "{work} ms");
    }
}
