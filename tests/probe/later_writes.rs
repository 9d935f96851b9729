//! Updates and deletes: sent where a scenario asks for them, and looked for in the polls after them.

use crate::support::driven;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use statusgap::model::exchange::{Exchange, Kind, Purpose};
use statusgap::model::run::Journal;
use statusgap::probe::{Clock, InProcess, Latency, Transport};
use tokio::time::Instant;

const TARGET: &str = "name = 'writes'\nbase_url = 'http://localhost'\n[initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n\
    [status]\npath = '/jobs/{id}'\n[update]\npath = '/jobs/{id}'\njson = { name = 'after' }\n\
    seen_when = { pointer = '/name', equals = 'after' }\n[delete]\npath = '/jobs/{id}'\n";

/// How long status goes on showing what was there before a write.
const LAG: Duration = Duration::from_millis(250);

/// When each job was changed and deleted.
type Writes = Arc<Mutex<BTreeMap<String, (Option<Instant>, Option<Instant>)>>>;

fn service() -> Router {
    let writes = Writes::default();
    let create = |State(writes): State<Writes>| async move {
        let mut writes = writes.lock().expect("nobody panics");
        let id = format!("j{}", writes.len());
        writes.insert(id.clone(), (None, None));
        format!("{{\"id\":\"{id}\"}}")
    };
    let update = |State(writes): State<Writes>, Path(id): Path<String>, body: String| async move {
        assert_eq!(body, r#"{"name":"after"}"#);
        writes.lock().expect("nobody panics").get_mut(&id).expect("a job").0 = Some(Instant::now());
        StatusCode::NO_CONTENT
    };
    let delete = |State(writes): State<Writes>, Path(id): Path<String>| async move {
        writes.lock().expect("nobody panics").get_mut(&id).expect("a job").1 = Some(Instant::now());
        StatusCode::NO_CONTENT
    };
    let read = |State(writes): State<Writes>, Path(id): Path<String>| async move {
        let Some((updated, deleted)) = writes.lock().expect("nobody panics").get(&id).copied() else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let shows = |write: Option<Instant>| write.is_some_and(|at| at.elapsed() >= LAG);
        if shows(deleted) {
            return StatusCode::NOT_FOUND.into_response();
        }
        let name = if shows(updated) { "after" } else { "before" };
        Response::new(format!("{{\"name\":\"{name}\"}}").into())
    };
    Router::new().route("/jobs", post(create)).route("/jobs/{id}", get(read).patch(update).delete(delete)).with_state(writes)
}

async fn run(then: &str) -> Journal {
    let scenario = driven::scenario(&format!(
        "[load]\nscans = 2\n[polls]\noffsets = ['0s']\n[follow]\nuntil = 'visible'\nevery = '20ms'\ndeadline = '1s'\n[then]\n{then}"
    ));
    let transport = Transport::InProcess(InProcess::new(service(), Latency::Fixed(Duration::from_millis(1))));
    driven::journal(&Arc::new(driven::target(TARGET)), transport, &Clock::virtual_time(), &scenario, driven::options(1)).await
}

/// The ages of the polls after a write, and whether they showed it, of one scan.
fn seen_after(journal: &Journal, kind: Kind) -> Vec<(u64, Option<bool>)> {
    let of_scan = |exchange: &&Exchange| exchange.scan.get() == Some(0);
    let write = journal.exchanges.iter().filter(of_scan).find(|exchange| exchange.kind == kind).expect("the write was sent");
    let next = journal
        .exchanges
        .iter()
        .filter(of_scan)
        .find(|exchange| exchange.sent > write.sent && matches!(exchange.kind, Kind::Update | Kind::Delete))
        .map_or(u64::MAX, |next| next.sent.0);
    let after = journal.exchanges.iter().filter(of_scan).filter(|poll| poll.purpose == Purpose::Then);
    after
        .filter(|poll| poll.sent >= write.done && poll.sent.0 < next)
        .map(|poll| (poll.offset.get().expect("an age").0.unsigned_abs() / 1_000_000, poll.seen))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_update_is_sent_once_the_scan_is_visible_and_looked_for() {
    let journal = run("action = 'update'\nwhen = 'visible'\noffsets = ['0s', '100ms', '300ms']\ndelete = ['0s', '400ms']").await;
    assert_eq!(seen_after(&journal, Kind::Update), [(0, Some(false)), (100, Some(false)), (300, Some(true))]);
    assert_eq!(seen_after(&journal, Kind::Delete), [(0, Some(false)), (400, Some(true))]);
    let count = |kind| journal.exchanges.iter().filter(|exchange| exchange.kind == kind).count();
    assert_eq!((count(Kind::Update), count(Kind::Delete)), (2, 2));
    let analysis = statusgap::analysis::analyse(&journal);
    let judgement = statusgap::verdict::judge(&journal, &analysis);
    // The change is shown late, which breaks the promise; that a deleted scan is denied is not a gap.
    assert_eq!(judgement.verdict, statusgap::verdict::Verdict::Fail, "{:?}", judgement.reasons);
    let breaches = format!("{:?}", analysis.scenarios);
    assert!(breaches.contains("WriteNotShown") && !breaches.contains("Denied {"), "{breaches}");
}

#[tokio::test(start_paused = true)]
async fn a_delete_ends_the_watching() {
    let journal = run("action = 'delete'\nwhen = 'visible'\noffsets = ['0s', '300ms']").await;
    assert_eq!(seen_after(&journal, Kind::Delete), [(0, Some(false)), (300, Some(true))]);
    let last = journal.exchanges.iter().rfind(|exchange| exchange.scan.get() == Some(0)).expect("exchanges");
    assert_eq!(last.purpose, Purpose::Then);
}
