//! What holds on every store, and the database file. On the real clock.

use super::redis::RedisServer;
use super::*;
use crate::service::clock::Clock;
use crate::service::record::{Admission, Record, State};
use crate::service::store::{Followed, Put, Store, Write};

/// Durations short enough for the real clock: the first snapshot at 20 ms, the result within a second.
/// Long enough that a busy machine still gets its cancellation in before the end.
pub(super) const QUICK: [(&str, &str); 4] =
    [("stage-profile", "10ms"), ("stage-portfolio", "5ms"), ("stage-assets", "5ms"), ("strategy", "uniform(500ms,900ms)")];

pub(super) async fn quick(preset: &str, knobs: &[(&str, &str)]) -> World {
    World::open(preset, &[&QUICK[..], knobs].concat()).await
}

/// Waits until status says so; fails after five seconds.
pub(super) async fn until(client: &Client, id: &str, expected: &str) {
    for _ in 0..500 {
        if client.status(id).await == expected {
            return;
        }
        wait(10).await;
    }
    panic!("{id} never became {expected}: {}", client.status(id).await);
}

/// What must hold on any store, with short scans.
pub(super) async fn check_promises(world: &World) {
    let id = world.scan(json!({})).await;
    assert_ne!(world.status(&id).await, "not_found");
    assert_eq!(world.fresh("mallory").status(&id).await, "not_found");
    assert_eq!(world.fresh("alice").lifecycle(&id).await.code, 200);
    until(&world.fresh("alice"), &id, "complete 14/14").await;
    assert_eq!(world.fresh("alice").results(&id).await.code, 200);
    let forced = world.fresh("alice").discover(forced()).await.id();
    let again = world.fresh("alice").discover(super::forced()).await.id();
    assert_eq!(forced, again);
    assert_eq!(world.fresh("alice").cancel(&forced).await.code, 200);
    assert_eq!(world.status(&forced).await, "failed");
    assert_eq!(world.status(&id).await, "complete 14/14");
    wait(200).await;
    assert_eq!(world.status(&forced).await, "failed", "the old run cannot write over the end");
}

#[tokio::test]
async fn sound_keeps_its_promises_on_the_embedded_store() {
    for workers in ["1", "4"] {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().to_str().expect("a readable path");
        let world = quick("sound", &[("workers", workers), ("store", "embedded"), ("data-dir", path)]).await;
        check_promises(&world).await;
        world.service.shut_down().await;
    }
}

#[tokio::test]
async fn a_scan_that_was_running_when_the_process_ended_has_failed_after_the_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().to_str().expect("a readable path");
    let knobs = [("store", "embedded"), ("data-dir", path), ("on-crash", "vanish"), ("strategy", "30s")];
    let world = quick("sound", &knobs).await;
    let done = world.fresh("alice").discover(json!({"symbols": ["DONE"]})).await.id();
    let id = world.scan(json!({})).await;
    assert_eq!(world.fresh("alice").cancel(&done).await.code, 200);
    wait(50).await;
    assert_eq!(world.status(&id).await, "scanning 0/14");
    // Nobody is told: with on-crash=vanish the tasks just end, as they do under kill -9.
    world.service.shut_down().await;

    let world = quick("sound", &knobs).await;
    let answer = world.fresh("alice").get(&format!("/api/v1/opportunities/status/{id}")).await;
    assert_eq!(answer.body["status"], "failed");
    assert_eq!(answer.body["message"], "Scan interrupted by a restart");
    assert_eq!(world.fresh("alice").lifecycle(&id).await.body["current_phase"], "failed");
    assert_eq!(world.fresh("alice").get(&format!("/api/v1/opportunities/status/{done}")).await.body["message"], "Scan cancelled");
    assert_eq!(world.fresh("alice").discover(json!({})).await.body["status"], "initiated");
    world.service.shut_down().await;
}

#[tokio::test]
async fn a_sound_service_that_stops_says_so_of_its_running_scans() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().to_str().expect("a readable path");
    let knobs = [("store", "embedded"), ("data-dir", path), ("strategy", "30s")];
    let world = quick("sound", &knobs).await;
    let id = world.scan(json!({})).await;
    world.service.shut_down().await;
    let world = quick("sound", &knobs).await;
    let answer = world.fresh("alice").get(&format!("/api/v1/opportunities/status/{id}")).await;
    assert_eq!(answer.body["message"], "Scan interrupted: the service stopped");
    world.service.shut_down().await;
}

#[tokio::test]
async fn an_embedded_store_without_a_directory_is_refused() {
    let error = Service::open(settings("sound", &[("store", "embedded")])).await.expect_err("no directory");
    assert_eq!(error.to_string(), "the embedded store needs a directory: give --data-dir DIR");
}

/// A record with this run, state and number of strategies completed.
fn record(scan_id: &str, run: u64, state: State, strategies_completed: usize) -> Record {
    Record {
        scan_id: scan_id.to_owned(),
        user_id: "alice".to_owned(),
        run,
        state,
        message: String::new(),
        strategies_completed,
        total_strategies: 14,
        opportunities: Vec::new(),
        created: 0,
        updated: 0,
        execution_time_ms: 0,
    }
}

/// One store of each kind, empty, with what opened it. They live as long as the Redis and the directory.
async fn one_of_each(redis: &RedisServer, dir: &tempfile::TempDir) -> Vec<(String, Store)> {
    let path = dir.path().to_str().expect("a readable path");
    let mut stores = Vec::new();
    for knobs in [vec![("store", "memory")], vec![("store", "embedded"), ("data-dir", path)], vec![("store", &redis.url())]] {
        let store = Store::open(&settings("sound", &knobs), Clock::start(None)).await.expect("the store opens");
        stores.push((format!("{knobs:?}"), store));
    }
    stores
}

#[tokio::test]
async fn all_stores_tell_at_once_what_a_key_leads_to() {
    let Some(redis) = RedisServer::start().await else { return };
    let dir = tempfile::tempdir().expect("a directory");
    for (knobs, store) in one_of_each(&redis, &dir).await {
        let set = |key: &str, value: &str| Write::Set { key: key.into(), value: value.into(), ttl: Duration::from_secs(60) };
        let follow = async |key, beside: &[&str]| {
            let beside: Vec<String> = beside.iter().map(|key| (*key).to_owned()).collect();
            store.follow(key, "record:", &beside).await.expect("it is read")
        };
        let texts = |texts: &[Option<&str>]| texts.iter().map(|text| text.map(Into::into)).collect();
        let followed = |value: Option<&str>, beside: &[Option<&str>]| {
            Some(Followed { name: "a".into(), value: value.map(Into::into), beside: texts(beside) })
        };
        assert_eq!(follow("id", &["lease"]).await, None, "{knobs}");
        store.apply(&[set("id", "a"), set("record:b", "another")], None).await.expect("it is written");
        assert_eq!(follow("id", &["lease"]).await, followed(None, &[None]), "{knobs}");
        store.apply(&[set("record:a", "there"), set("lease", "alive")], None).await.expect("it is written");
        assert_eq!(follow("id", &["lease"]).await, followed(Some("there"), &[Some("alive")]), "{knobs}");
        assert_eq!(follow("id", &["none", "lease"]).await, followed(Some("there"), &[None, Some("alive")]), "{knobs}");
        assert_eq!(follow("id", &[]).await, followed(Some("there"), &[]), "{knobs}");
        store.apply(&[set("id", "b")], None).await.expect("it is written");
        let other = Some(Followed { name: "b".into(), value: Some("another".into()), beside: texts(&[Some("alive")]) });
        assert_eq!(follow("id", &["lease"]).await, other, "{knobs}: it leads elsewhere now");
        store.apply(&[Write::Delete { key: "id".into() }], None).await.expect("it is written");
        assert_eq!(follow("id", &["lease"]).await, None, "{knobs}");
    }
}

#[tokio::test]
async fn all_stores_admit_the_same_records_and_claims() {
    let Some(redis) = RedisServer::start().await else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let life = Duration::from_secs(60);
    for (knobs, store) in one_of_each(&redis, &dir).await {
        let mut number = 0;
        for there in states() {
            for new in states() {
                number += 1;
                let put = |record: &Record| Put { key: format!("r{number}"), value: record.to_text(), ttl: life };
                store.apply(&[put(&there).into()], None).await.expect("it is written");
                let admission = store.put_guarded(&put(&new), &[], None).await.expect("it is judged");
                assert_eq!(admission, there.admits(&new), "{knobs}: {there:?} and then {new:?}");
                let kept = store.get(&format!("r{number}")).await.expect("it is read").as_deref().and_then(Record::from_text);
                assert_eq!(kept, Some(if admission == Admission::Written { new } else { there.clone() }));
            }
        }
        let claim = |value: &str| Put { key: "claim".into(), value: value.into(), ttl: life };
        let also = |value: &str| [Write::Set { key: "also".into(), value: value.into(), ttl: life }];
        assert_eq!(store.claim(&claim("a"), &also("a"), None).await.expect("a claim"), None);
        assert_eq!(store.claim(&claim("b"), &also("b"), None).await.expect("a claim"), Some("a".into()));
        assert_eq!(store.get("also").await.expect("it is read"), Some("a".into()), "a refused claim writes nothing");
        let lower = |value: &str| [Write::DeleteIf { key: "claim".into(), value: value.into() }];
        store.apply(&lower("b"), None).await.expect("it is applied");
        assert_eq!(store.get("claim").await.expect("it is read"), Some("a".into()));
        store.apply(&lower("a"), None).await.expect("it is applied");
        assert_eq!(store.get("claim").await.expect("it is read"), None);
    }
}

fn states() -> Vec<Record> {
    use State::{Accepted, Complete, Failed, Scanning};
    let mut states = Vec::new();
    for run in [1, 2] {
        for (state, completed) in [(Accepted, 0), (Scanning, 3), (Scanning, 9), (Complete, 14), (Failed, 3)] {
            states.push(record("scan_1", run, state, completed));
        }
    }
    states.push(record("scan_2", 1, Scanning, 1));
    states
}
