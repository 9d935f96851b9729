//! What must be observed of each preset, weaknesses included.

use super::*;

#[tokio::test(start_paused = true)]
async fn deferred_denies_a_scan_for_two_seconds_while_its_lifecycle_knows_it() {
    let world = World::open("deferred", &[]).await;
    let id = world.scan(json!({})).await;
    assert_eq!(world.status(&id).await, "not_found");
    wait(100).await;
    assert_eq!(world.status(&id).await, "not_found");
    let lifecycle = world.fresh("alice").lifecycle(&id).await;
    assert_eq!((lifecycle.code, lifecycle.body["current_status"].as_str()), (200, Some("in_progress")));
    assert_eq!(world.fresh("alice").results(&id).await.code, 404);
    wait(1898).await;
    assert_eq!(world.status(&id).await, "not_found");
    wait(4).await;
    assert_eq!(world.status(&id).await, "scanning 0/14");
    assert_eq!(world.fresh("alice").results(&id).await.code, 202);
    wait(4100).await;
    assert_eq!(world.status(&id).await, "complete 14/14");
    assert_eq!(world.fresh("alice").results(&id).await.code, 200);
}

#[tokio::test(start_paused = true)]
async fn deferred_knows_the_instant_at_which_a_scan_became_visible() {
    let world = World::open("deferred", &[]).await;
    let began = tokio::time::Instant::now();
    let id = world.scan(json!({})).await;
    wait(3000).await;
    let visible = world.service.truth().visible_since(&id).expect("it is visible by now");
    let after = visible - began;
    assert!(Duration::from_millis(1999) < after && after <= Duration::from_millis(2002), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn production_durations_take_160_to_174_seconds() {
    for seed in 0..20 {
        let mut settings = settings("sound", &[("seed", &seed.to_string())]);
        settings.durations = super::super::Durations::production();
        let world = World::with(settings).await;
        let id = world.scan(json!({})).await;
        wait(159_900).await;
        assert!(world.status(&id).await.starts_with("scanning"));
        wait(14_200).await;
        assert_eq!(world.status(&id).await, "complete 14/14");
    }
}

#[tokio::test(start_paused = true)]
async fn placeholder_has_no_window_with_one_worker_and_flaps_with_four() {
    let world = World::open("placeholder", &[]).await;
    let id = world.scan(json!({})).await;
    assert_eq!(world.status(&id).await, "scanning 0/0");
    assert!(!world.trace(&id, Duration::from_millis(100), 70).await.contains('n'));

    let world = World::open("placeholder", &[("workers", "4")]).await;
    let id = world.scan(json!({})).await;
    assert_eq!(world.trace(&id, Duration::from_millis(100), 8).await, "nnnsnnns");
}

#[tokio::test(start_paused = true)]
async fn placeholder_turns_complete_back_when_the_same_user_scans_again() {
    let world = World::open("placeholder", &[]).await;
    let first = world.scan(json!({})).await;
    wait(7000).await;
    assert_eq!(world.status(&first).await, "complete 14/14");
    let second = world.scan(json!({})).await;
    assert_ne!(first, second);
    assert_eq!(world.status(&first).await, "scanning 0/0");
}

#[tokio::test(start_paused = true)]
async fn placeholder_never_calls_a_crash_a_failure() {
    let world = World::open("placeholder", &[("crash-stage", "assets")]).await;
    let id = world.scan(json!({})).await;
    wait(299_000).await;
    assert_eq!(world.status(&id).await, "scanning 0/0");
    wait(2000).await;
    assert_eq!(world.status(&id).await, "not_found");
}

#[tokio::test(start_paused = true)]
async fn lifecycle_fallback_has_no_window_but_leaks_and_forgets_the_end() {
    let world = World::open("lifecycle-fallback", &[("workers", "4")]).await;
    let id = world.scan(json!({})).await;
    assert_eq!(world.trace(&id, Duration::from_millis(100), 80).await.find('n'), None);
    assert_eq!(world.fresh("mallory").status(&id).await, "scanning 0/14", "the leak");
    assert_eq!(world.fresh("alice").status("scan_never_issued").await, "not_found");

    let world = World::open("lifecycle-fallback", &[]).await;
    let id = world.scan(json!({})).await;
    wait(100).await;
    assert_eq!(world.fresh("alice").results(&id).await.code, 404);
    wait(7000).await;
    assert_eq!(world.status(&id).await, "complete 14/14");
    wait(300_000).await;
    assert_eq!(world.status(&id).await, "scanning 0/14");
}

#[tokio::test(start_paused = true)]
async fn shared_cache_denies_on_a_worker_without_posts_and_freezes_on_a_warmed_one() {
    let world = World::open("shared-cache", &[("workers", "3")]).await;
    let owner = world.fresh("alice");
    let id = owner.discover(json!({})).await.id();
    let idle = world.fresh("alice");
    let warmed = world.fresh("alice");
    warmed.discover(json!({"symbols": ["OTHER"]})).await;
    check_shared_cache(&owner, &idle, &warmed, &id).await;
    wait(293_500).await;
    assert_eq!(warmed.status(&id).await, "complete 14/14", "the copy has expired, the store has not");
}

/// The observations, on three connections to three workers.
async fn check_shared_cache(owner: &Client, idle: &Client, warmed: &Client, id: &str) {
    for _ in 0..4 {
        assert!(owner.status(id).await.starts_with("scanning"));
        assert_eq!(idle.status(id).await, "not_found");
        assert_eq!(warmed.status(id).await, "scanning 0/0");
        assert_eq!(warmed.results(id).await.code, 202);
        wait(500).await;
    }
    wait(5000).await;
    assert_eq!(owner.status(id).await, "complete 14/14");
    assert_eq!(idle.status(id).await, "not_found");
    assert_eq!(warmed.status(id).await, "scanning 0/0", "frozen at its first copy");
}

#[tokio::test(start_paused = true)]
async fn sound_keeps_every_promise_with_one_and_with_four_workers() {
    for workers in ["1", "4"] {
        let world = World::open("sound", &[("workers", workers)]).await;
        check_sound(&world).await;
    }
}

/// What a sound service does, on any clock and store.
async fn check_sound(world: &World) {
    let id = world.scan(json!({})).await;
    assert_eq!(world.status(&id).await, "scanning 0/14");
    assert_eq!(world.fresh("alice").results(&id).await.code, 202);
    assert_eq!(world.fresh("mallory").status(&id).await, "not_found");
    assert_eq!(world.fresh("mallory").results(&id).await.code, 404);
    assert_eq!(world.fresh("mallory").lifecycle(&id).await.code, 404);
    assert_eq!(world.fresh("mallory").cancel(&id).await.code, 404);
    assert_eq!(world.fresh("admin").lifecycle(&id).await.code, 200);
    assert_eq!(world.status("scan_never_issued").await, "not_found");

    let joined = world.fresh("alice").discover(json!({})).await;
    assert_eq!((joined.id(), joined.body["status"].as_str()), (id.clone(), Some("scanning")));
    let trace = world.trace(&id, Duration::from_millis(50), 140).await;
    assert_eq!(trace.trim_end_matches('c').trim_start_matches('s'), "", "first scanning, then complete");
    assert!(trace.ends_with('c'));

    let next = world.scan(json!({})).await;
    assert_ne!(next, id);
    assert_eq!(world.status(&id).await, "complete 14/14", "a second scan leaves the first alone");
    let cancelled = world.fresh("alice").cancel(&next).await;
    assert_eq!(cancelled.code, 200);
    assert_eq!(world.status(&next).await, "failed");
    assert_eq!(world.fresh("alice").cancel(&next).await.code, 409);
}

#[tokio::test(start_paused = true)]
async fn sound_restarts_a_forced_scan_under_its_id_without_losing_progress() {
    let world = World::open("sound", &[("workers", "4")]).await;
    let id = world.scan(json!({})).await;
    wait(4000).await;
    let before = world.status(&id).await;
    let again = world.fresh("alice").discover(forced()).await;
    assert_eq!((again.id(), again.body["status"].as_str()), (id.clone(), Some("initiated")));
    assert_eq!(world.status(&id).await, before);
    let mut last = 0;
    for _ in 0..70 {
        let status = world.status(&id).await;
        let done = status.split([' ', '/']).nth(1).and_then(|done| done.parse().ok()).unwrap_or(last);
        assert!(done >= last, "progress fell to {status}");
        last = done;
        wait(100).await;
    }
    assert_eq!(world.status(&id).await, "complete 14/14");
}

#[tokio::test(start_paused = true)]
async fn sound_calls_a_crash_a_failure() {
    for stage in ["profile", "portfolio", "assets", "strategies", "finalise"] {
        let world = World::open("sound", &[("crash-stage", stage)]).await;
        let id = world.scan(json!({})).await;
        assert_eq!(world.status(&id).await, "scanning 0/14");
        wait(7000).await;
        assert_eq!(world.status(&id).await, "failed", "{stage}");
        let lifecycle = world.fresh("alice").lifecycle(&id).await;
        assert_eq!(lifecycle.body["current_phase"], "failed");
        assert_ne!(world.scan(json!({})).await, id, "the next scan is a new one");
    }
}

#[tokio::test(start_paused = true)]
async fn sound_answers_503_while_its_store_is_away_and_recovers() {
    let world = World::open("sound", &[("outage", "1s..7s")]).await;
    let id = world.scan(json!({})).await;
    assert_eq!(world.status(&id).await, "scanning 0/14");
    wait(1500).await;
    for _ in 0..50 {
        let answer = world.fresh("alice").get(&format!("/api/v1/opportunities/status/{id}")).await;
        assert_eq!((answer.code, answer.body["status_code"].as_u64()), (503, Some(503)));
        wait(100).await;
    }
    assert_eq!(world.fresh("alice").discover(json!({})).await.code, 503);
    wait(1000).await;
    assert_eq!(world.status(&id).await, "complete 14/14");
}

#[tokio::test(start_paused = true)]
async fn equal_seeds_give_equal_histories() {
    let mut histories = Vec::new();
    for _ in 0..2 {
        let world = World::open("zoo-c-prime", &[("workers", "4"), ("policy", "random"), ("commit-delay", "exp(3ms)")]).await;
        let mut history = String::new();
        for number in 0..5 {
            let id = world.scan(json!({"symbols": [format!("S{number}")]})).await;
            history.push_str(&id);
            for _ in 0..30 {
                let answer = world.fresh("alice").get(&format!("/api/v1/opportunities/status/{id}")).await;
                history.push_str(&answer.text);
                history.push_str(answer.header("x-worker"));
                wait(37).await;
            }
        }
        histories.push(history);
    }
    assert_eq!(histories[0], histories[1]);
}

#[tokio::test(start_paused = true)]
async fn shared_cache_takes_a_store_that_is_away_for_an_empty_one() {
    let world = World::open("shared-cache", &[("workers", "2"), ("outage", "1s..3s")]).await;
    let owner = world.fresh("alice");
    let id = owner.discover(json!({})).await.id();
    let warmed = world.fresh("alice");
    warmed.discover(json!({"symbols": ["OTHER"]})).await;
    wait(1500).await;
    assert_eq!(warmed.status(&id).await, "not_found");
    wait(2000).await;
    assert!(warmed.status(&id).await.starts_with("scanning"));
}

#[tokio::test(start_paused = true)]
async fn a_copy_on_read_freezes_even_an_otherwise_sound_service() {
    let world = World::open("sound", &[("workers", "2"), ("read-path", "memory-first")]).await;
    let id = world.scan(json!({})).await;
    let other = world.fresh("alice");
    assert_eq!(other.status(&id).await, "scanning 0/14");
    wait(7000).await;
    assert_eq!(other.status(&id).await, "scanning 0/14");
}
