//! Memory stays within bounds by the service's own lifetimes, however many scans there were.

use super::*;

/// Between two scans.
const APART: Duration = Duration::from_millis(20);

/// Short lifetimes, so that most scans have lived theirs while others are asked for.
const SHORT: [(&str, &str); 6] = [
    ("ttl-partial", "5s"),
    ("ttl-full", "5s"),
    ("ttl-lookup", "10s"),
    ("ttl-active", "5s"),
    ("ttl-lifecycle", "20s"),
    ("strategy", "100ms"),
];

#[tokio::test(start_paused = true)]
async fn ten_thousand_scans_leave_no_more_behind_than_a_lifetime_of_them() {
    for (preset, scans) in [("sound", 10_000), ("shared-cache", 2_500)] {
        let world = World::open(preset, &SHORT).await;
        let client = world.fresh("alice");
        let mut most = 0;
        for number in 0..scans {
            let body = json!({"symbols": [format!("S{number}")], "strategy_ids": ["scalping"], "force_refresh": true});
            assert_eq!(client.discover(body).await.body["status"], "initiated");
            most = most.max(world.service.shared.size());
            tokio::time::sleep(APART).await;
        }
        // What lives longest is the lifecycle, 20 s and the time to the next purge, at 50 scans a second; a scan has at most six
        // entries (flag, two lookups, record and, in worker memory, another lookup and record) beside that.
        let alive = 50 * (20 + 15);
        assert!(most < alive * 7, "{preset}: {most} entries for {scans} scans");
        assert!(most > alive / 2, "{preset}: {most} entries prove nothing");
        wait(40_000).await;
        assert_eq!(world.service.shared.size(), 0, "{preset}: everything has lived its time");
        assert!(world.service.shared.running_jobs().is_empty(), "{preset}");
        assert!(world.service.truth().all().is_empty(), "{preset}");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_come_and_go_are_forgotten() {
    let world = World::open("sound", &[("workers", "4")]).await;
    for _ in 0..30_000 {
        assert_eq!(world.fresh("alice").get("/health").await.code, 200);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Ten minutes of them, at ten a second, and what comes together between two looks.
    let known = world.service.front.connections();
    assert!(known < 6_000 + 2 * 4_096 + 1, "{known} connections");
}
