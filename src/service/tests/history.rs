//! The four states of the real system, against three kinds of worker.

use super::*;

/// What a client sees of a worker while the scan runs.
struct Seen {
    at_once: &'static str,
    before_the_snapshot: &'static str,
    after_the_snapshot: &'static str,
    later: &'static str,
    results: u16,
}

const fn seen(at_once: &'static str, before: &'static str, after: &'static str, later: &'static str, results: u16) -> Seen {
    Seen { at_once, before_the_snapshot: before, after_the_snapshot: after, later, results }
}

const NEVER: Seen = seen("not_found", "not_found", "not_found", "not_found", 404);
const LATE: Seen = seen("not_found", "not_found", "scanning 0/14", "complete 14/14", 200);
const FINE: Seen = seen("scanning 0/0", "scanning 0/0", "scanning 0/14", "complete 14/14", 200);
const FROZEN_EMPTY: Seen = seen("scanning 0/0", "scanning 0/0", "scanning 0/0", "scanning 0/0", 202);
const FROZEN_LATE: Seen = seen("not_found", "not_found", "scanning 0/14", "scanning 0/14", 202);

#[tokio::test(start_paused = true)]
async fn each_state_of_the_system_shows_on_each_kind_of_worker_what_history_recorded() {
    for (preset, owner, idle, warmed) in [
        ("history-1", LATE, NEVER, NEVER),
        ("history-2", LATE, NEVER, FROZEN_LATE),
        ("history-3", FINE, NEVER, FROZEN_EMPTY),
        ("history-4", FINE, FROZEN_EMPTY, FROZEN_EMPTY),
    ] {
        let world = World::open(preset, &[("workers", "3")]).await;
        let (owners, idles, warmeds) = (world.fresh("alice"), world.fresh("alice"), world.fresh("alice"));
        // The order of first requests is the order of workers.
        owners.get("/health").await;
        idles.get("/health").await;
        warmeds.discover(json!({"symbols": ["OTHER"]})).await;
        let id = owners.discover(json!({})).await.id();
        let kinds = [("owner", &owners, &owner), ("idle", &idles, &idle), ("warmed", &warmeds, &warmed)];
        let at = |moment: &'static str| move |kind: &str| format!("{preset}, {kind} worker, {moment}");
        for (moment, wait_ms, expected) in [
            ("at once", 0, (|seen| seen.at_once) as fn(&Seen) -> &'static str),
            ("at 2.1 s", 2100, |seen| seen.before_the_snapshot),
            ("at 2.3 s", 200, |seen| seen.after_the_snapshot),
            ("at 8 s", 5700, |seen| seen.later),
        ] {
            wait(wait_ms).await;
            for (kind, client, cell) in kinds {
                assert_eq!(client.status(&id).await, expected(cell), "{}", at(moment)(kind));
            }
        }
        for (kind, client, cell) in kinds {
            assert_eq!(client.results(&id).await.code, cell.results, "{}", at("results")(kind));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_forced_request_had_a_window_and_it_ended_at_five_seconds_at_the_latest() {
    for (assets, closes) in [("900ms", 2000), ("30s", 5000)] {
        let world = World::open("deferred", &[("placeholder", "unforced"), ("stage-assets", assets)]).await;
        let unforced = world.scan(json!({})).await;
        let forced = world.scan(json!({"force_refresh": true, "symbols": ["S"]})).await;
        assert_eq!(world.status(&unforced).await, "scanning 0/0");
        wait(closes - 10).await;
        assert_eq!(world.status(&forced).await, "not_found");
        wait(20).await;
        assert!(world.status(&forced).await.starts_with("scanning"));
    }
}

/// What `matrix` expects of `lifecycle-fallback` with four workers rests on this.
#[tokio::test(start_paused = true)]
async fn behind_the_lifecycle_fallback_a_result_is_never_late_but_on_one_worker_only() {
    let world = World::open("lifecycle-fallback", &[("workers", "2")]).await;
    let (owners, others) = (world.fresh("alice"), world.fresh("alice"));
    owners.get("/health").await;
    others.get("/health").await;
    let id = owners.discover(json!({})).await.id();
    for wait_ms in [8000, 20_000] {
        wait(wait_ms).await;
        // Where the end is shown the result is there with it; elsewhere there is neither, for good.
        assert_eq!((owners.status(&id).await.as_str(), owners.results(&id).await.code), ("complete 14/14", 200));
        assert_eq!((others.status(&id).await.as_str(), others.results(&id).await.code), ("scanning 0/14", 404));
    }
}
