//! The wire contract: bodies, errors, identities.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_new_scan_is_answered_with_everything_the_client_needs() {
    let world = World::open("sound", &[]).await;
    let answer = world.fresh("alice").discover(json!({"symbols": "BTC, btc,ETH", "unknown": 1})).await;
    let id = answer.id();
    assert_eq!(answer.code, 200);
    assert!(id.len() == 37 && id.starts_with("scan_") && id.as_bytes()[17] == b'4', "{id} is scan_ and a version 4 UUID in hex");
    let body = &answer.body;
    assert_eq!((body["success"].as_bool(), body["status"].as_str()), (Some(true), Some("initiated")));
    assert_eq!(body["estimated_completion_seconds"], 120);
    assert_eq!(body["polling_interval_seconds"], 3);
    assert_eq!(body["poll_url"], format!("/api/v1/opportunities/status/{id}"));
    assert_eq!(body["results_url"], format!("/api/v1/opportunities/results/{id}"));
    assert_eq!(body["filters"], json!({"symbols": ["BTC", "ETH"], "asset_tiers": [], "strategy_ids": []}));
}

#[tokio::test(start_paused = true)]
async fn not_found_is_a_200_without_an_id() {
    let world = World::open("sound", &[]).await;
    let answer = world.fresh("alice").get("/api/v1/opportunities/status/scan_x").await;
    assert_eq!(answer.code, 200);
    let expected = json!({"success": false, "status": "not_found", "message": "No scan found for this user. Please initiate a new scan."});
    assert_eq!(answer.body, expected);
}

#[tokio::test(start_paused = true)]
async fn a_finished_scan_has_results_that_agree_with_its_status() {
    let world = World::open("sound", &[]).await;
    let id = world.scan(json!({"strategy_ids": ["scalping", "complex"]})).await;
    wait(7000).await;
    let status = world.fresh("alice").get(&format!("/api/v1/opportunities/status/{id}")).await.body;
    assert_eq!(status["progress"]["total_strategies"], 2);
    assert_eq!(status["progress"]["percentage"], 100.0);
    let results = world.fresh("alice").results(&id).await.body;
    assert_eq!(results["total_opportunities"], status["total_opportunities"]);
    assert_eq!(results["opportunities"].as_array().map(Vec::len), results["total_opportunities"].as_u64().map(|n| n as usize));
    assert_eq!(results["user_id"], "alice");
    assert!(results["execution_time_ms"].as_u64().is_some_and(|ms| (2500..6100).contains(&ms)));
    assert!(results["last_updated"].as_str().is_some_and(|at| at.starts_with("2026-01-01T00:00:")));
}

#[tokio::test(start_paused = true)]
async fn wrong_requests_are_refused_in_the_contracts_form() {
    let world = World::open("sound", &[]).await;
    let discover = "/api/v1/opportunities/discover";
    let large = "x".repeat(64 * 1024 + 1);
    for (method, path, body, code, text) in [
        ("POST", discover, "{", 400, "the body is not JSON"),
        ("POST", discover, "[]", 422, "the body must be a JSON object"),
        ("POST", discover, r#"{"symbols": 5}"#, 422, "field `symbols`"),
        ("POST", discover, large.as_str(), 413, "larger than 64 KiB"),
        ("GET", discover, "", 405, "Method Not Allowed"),
        ("GET", "/nowhere", "", 404, "Not Found"),
        ("GET", "/api/v1/opportunities/status/", "", 404, "Not Found"),
        ("GET", "/api/v1/opportunities/status/%ff", "", 400, "not valid UTF-8"),
        ("GET", "/api/v1/opportunities/results/scan_x", "", 404, "No scan results found. Please initiate a new scan."),
        ("GET", "/api/v1/scan-diagnostics/scan-lifecycle/scan_x", "", 404, "Scan lifecycle not found"),
    ] {
        let answer = world.fresh("alice").send(method, path, body.to_owned()).await;
        assert_eq!(answer.code, code, "{method} {path}: {}", answer.text);
        assert_eq!(answer.body["status_code"], code);
        assert_eq!(answer.body["path"], path);
        assert!(answer.body["error"].as_str().is_some_and(|error| error.contains(text)), "{}", answer.text);
        assert!(answer.body["timestamp"].as_f64().is_some_and(|seconds| seconds >= 1_767_225_600.0));
        assert_eq!(answer.header("x-worker"), "1");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_token_is_a_401() {
    let world = World::open("sound", &[]).await;
    let answer = world.fresh("nobody").discover(json!({})).await;
    assert_eq!((answer.code, answer.body), (401, json!({"detail": "Missing authorization header"})));
    assert_eq!(world.fresh("nobody").get("/health").await.code, 200);
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_counts_by_user_and_minute() {
    let world = World::open("sound", &[("rate-limit", "30")]).await;
    for number in 0..30 {
        assert_eq!(world.fresh("alice").discover(json!({"symbols": [number.to_string()]})).await.code, 200);
    }
    let refused = world.fresh("alice").discover(json!({})).await;
    assert_eq!((refused.code, refused.header("retry-after")), (429, "60"));
    assert_eq!(world.fresh("mallory").discover(json!({})).await.code, 200);
    wait(60_001).await;
    assert_eq!(world.fresh("alice").discover(json!({})).await.code, 200);
}

#[tokio::test(start_paused = true)]
async fn the_lifecycle_goes_through_its_phases_in_order() {
    let world = World::open("sound", &[]).await;
    let id = world.scan(json!({})).await;
    for (at, phase) in
        [(300, "started"), (1000, "portfolio_fetch"), (1900, "asset_discovery"), (2100, "strategies_scan"), (7000, "completed")]
    {
        wait(at - world.service.shared.clock.elapsed().as_millis() as u64).await;
        let lifecycle = world.fresh("alice").lifecycle(&id).await.body;
        assert_eq!(lifecycle["current_phase"], phase);
        assert_eq!(lifecycle["recovered_from_index"], false);
        assert_eq!(lifecycle["resolved_scan_id"], id.as_str());
    }
    wait(3_600_000).await;
    assert_eq!(world.fresh("alice").lifecycle(&id).await.code, 404);
}

#[tokio::test(start_paused = true)]
async fn a_defective_lifecycle_answers_an_unknown_id_with_somebodys_scan() {
    let world = World::open("sound", &[("lifecycle-index-fallback", "on")]).await;
    assert_eq!(world.fresh("mallory").lifecycle("scan_never").await.code, 404);
    let id = world.scan(json!({})).await;
    let lifecycle = world.fresh("mallory").lifecycle("scan_never").await;
    assert_eq!(lifecycle.code, 200);
    assert_eq!(lifecycle.body["resolved_scan_id"], id.as_str());
    assert_eq!(lifecycle.body["recovered_from_index"], true);
}

#[tokio::test(start_paused = true)]
async fn requests_are_routed_as_the_knobs_say() {
    for (routing, policy, same, several) in
        [("per-connection", "round-robin", true, true), ("per-request", "round-robin", false, true), ("per-request", "random", false, true)]
    {
        let world = World::open("sound", &[("workers", "4"), ("routing", routing), ("policy", policy)]).await;
        let kept = world.fresh("alice");
        let mut on_one = std::collections::BTreeSet::new();
        let mut on_many = std::collections::BTreeSet::new();
        for _ in 0..40 {
            on_one.insert(kept.get("/health").await.header("x-worker").to_owned());
            on_many.insert(world.fresh("alice").get("/health").await.header("x-worker").to_owned());
        }
        assert_eq!((on_one.len() == 1, on_many.len() > 1), (same, several), "{routing} {policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_come_together_go_to_one_worker() {
    let world = World::open("sound", &[("workers", "4"), ("policy", "bursts")]).await;
    let mut workers = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let mut burst = std::collections::BTreeSet::new();
        for _ in 0..5 {
            burst.insert(world.fresh("alice").get("/health").await.header("x-worker").to_owned());
        }
        assert_eq!(burst.len(), 1, "{burst:?}");
        workers.extend(burst);
        wait(10).await;
    }
    assert!(workers.len() > 1, "{workers:?}");
}

#[tokio::test(start_paused = true)]
async fn metrics_count_what_happened() {
    let world = World::open("sound", &[]).await;
    let id = world.scan(json!({})).await;
    wait(7000).await;
    world.status(&id).await;
    world.fresh("alice").results("scan_x").await;
    let text = world.fresh("alice").get("/metrics").await.text;
    for line in [
        "statusgap_requests_total{route=\"discover\",status=\"200\"} 1",
        "statusgap_requests_total{route=\"status\",status=\"200\"} 1",
        "statusgap_requests_total{route=\"results\",status=\"404\"} 1",
        "statusgap_scans_started_total 1",
        "statusgap_scans_completed_total 1",
        "statusgap_scans_failed_total 0",
        "statusgap_visibility_latency_seconds_count 1",
    ] {
        assert!(text.lines().any(|present| present == line), "{line} is missing in:\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn memory_is_given_back_when_lifetimes_end() {
    for preset in ["deferred", "shared-cache", "sound", "zoo-c", "zoo-d"] {
        let world = World::open(preset, &[("workers", "2")]).await;
        for number in 0..50 {
            let id = world.scan(json!({"symbols": [number.to_string()]})).await;
            world.status(&id).await;
        }
        wait(3_700_000).await;
        assert_eq!(world.service.shared.size(), 0, "{preset}");
        assert!(world.service.truth().all().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_service_is_slow_and_correct() {
    let world = World::open("slow", &[]).await;
    let id = world.scan(json!({})).await;
    let asked = tokio::time::Instant::now();
    let answer = world.fresh("alice").get(&format!("/api/v1/opportunities/status/{id}")).await;
    assert_eq!((answer.code, answer.body["status"].as_str()), (202, Some("scanning")));
    assert!((100..402).contains(&asked.elapsed().as_millis()));
}
