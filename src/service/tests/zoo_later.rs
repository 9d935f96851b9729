//! The faults of what comes after a creation, or of whoever asks: R to Z, and the variants of B, C′, D, H and M. Each is held to what the
//! service itself knows about it.

use tokio::time::Instant;

use super::*;
use crate::service::Milestone;

/// Asks a status question every `every` until `answers` holds, and checks that it began to hold at `truth`.
async fn changes_at(world: &World, id: &str, truth: Instant, every: u64, answers: impl Fn(&Answer) -> bool) {
    let path = format!("/api/v1/opportunities/status/{id}");
    for _ in 0..2000 {
        let asked = Instant::now();
        let answer = world.fresh("alice").get(&path).await;
        assert_eq!(
            answers(&answer),
            truth <= asked,
            "{:?} before the service's own instant: {}",
            truth.saturating_duration_since(asked),
            answer.text
        );
        if truth <= asked {
            return;
        }
        wait(every).await;
    }
    panic!("{id} did not change");
}

#[tokio::test(start_paused = true)]
async fn an_owner_is_refused_until_the_grant_arrives() {
    let world = World::open("zoo-r", &[("grant-lag", "lognormal(300ms,0.8)")]).await;
    for number in 0..10 {
        let id = world.scan(json!({"symbols": [number.to_string()]})).await;
        let granted = world.service.truth().visible_since(&id).expect("it is known");
        assert_eq!(world.service.truth().reached(&id, Milestone::Granted), Some(granted));
        changes_at(&world, &id, granted, 7, |answer| answer.code == 200).await;
    }
    let id = world.scan(json!({})).await;
    assert_eq!(world.fresh("alice").get(&format!("/api/v1/opportunities/status/{id}")).await.code, 403);
    assert_eq!(world.fresh("alice").results(&id).await.code, 403);
    // Neither an id that does not exist nor another user is told that there is something.
    assert_eq!(world.status("scan_0").await, "not_found");
    assert_eq!(world.fresh("mallory").status(&id).await, "not_found");
}

#[tokio::test(start_paused = true)]
async fn refusals_flap_where_only_one_list_is_late() {
    let world = World::open("zoo-r", &[("grant-share", "0.5")]).await;
    let id = world.scan(json!({})).await;
    let trace = world.trace(&id, Duration::from_millis(10), 39).await;
    assert!(trace.contains("sh") && trace.contains("hs"), "{trace}");
    wait(20).await;
    assert!(!world.trace(&id, Duration::from_millis(10), 40).await.contains('h'));
}

fn has_label(answer: &Answer) -> bool {
    answer.body["label"] == "b"
}

#[tokio::test(start_paused = true)]
async fn a_change_shows_late_and_a_creation_at_once() {
    let world = World::open("zoo-s", &[]).await;
    let id = world.scan(json!({})).await;
    assert_eq!(world.status(&id).await, "scanning 0/14");
    for label in ["a", "b"] {
        assert_eq!(world.fresh("alice").label(&id, label).await.code, 200);
        wait(100).await;
    }
    let shows = world.service.truth().reached(&id, Milestone::Changed).expect("it was changed");
    assert_eq!(shows.elapsed(), Duration::ZERO);
    assert!(shows - Instant::now() == Duration::from_millis(500));
    changes_at(&world, &id, shows, 9, has_label).await;
    let sound = World::open("sound", &[]).await;
    let id = sound.scan(json!({})).await;
    sound.fresh("alice").label(&id, "b").await;
    changes_at(&sound, &id, Instant::now(), 1, has_label).await;
    wait(7000).await;
    let ended = sound.fresh("alice").get(&format!("/api/v1/opportunities/status/{id}")).await;
    assert!(ended.body["status"] == "complete" && has_label(&ended), "the work undid the change: {}", ended.text);
}

#[tokio::test(start_paused = true)]
async fn a_change_flaps_where_some_readers_learn_of_it_late() {
    let world = World::open("zoo-s", &[("change-share", "0.5")]).await;
    let id = world.scan(json!({})).await;
    world.fresh("alice").label(&id, "b").await;
    let path = format!("/api/v1/opportunities/status/{id}");
    let mut seen = Vec::new();
    for _ in 0..50 {
        seen.push(has_label(&world.fresh("alice").get(&path).await));
        wait(10).await;
    }
    assert!(seen.windows(2).any(|pair| pair == [true, false]) && seen.windows(2).any(|pair| pair == [false, true]));
    wait(200).await;
    assert!(has_label(&world.fresh("alice").get(&path).await));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_shows_late_and_ends_the_work() {
    let world = World::open("zoo-t", &[]).await;
    let id = world.scan(json!({})).await;
    assert_eq!(world.fresh("mallory").delete(&id).await.code, 404);
    assert_eq!(world.fresh("alice").delete(&id).await.code, 200);
    assert_eq!(world.fresh("alice").delete(&id).await.code, 404);
    let gone = world.service.truth().reached(&id, Milestone::Deleted).expect("it was deleted");
    changes_at(&world, &id, gone, 7, |answer| answer.body["status"] == "not_found").await;
    wait(9000).await;
    assert_eq!(world.status(&id).await, "not_found");
    let sound = World::open("sound", &[]).await;
    let id = sound.scan(json!({})).await;
    sound.fresh("alice").delete(&id).await;
    assert_eq!(sound.status(&id).await, "not_found");
    // The same may be asked for again.
    assert_ne!(sound.scan(json!({})).await, id);
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_first_is_kept_for_its_caller() {
    let world = World::open("zoo-u", &[]).await;
    let (polled, unpolled) = (world.scan(json!({"symbols": ["A"]})).await, world.scan(json!({"symbols": ["B"]})).await);
    wait(3000).await;
    let first = world.status(&polled).await;
    wait(4500).await;
    let path = format!("/api/v1/opportunities/status/{polled}");
    let kept = world.fresh("alice").get(&path).await;
    assert_eq!((kept.header("x-cache"), kept.header("age"), kept.body["status"].as_str()), ("HIT", "4", Some("scanning")));
    assert!(first.starts_with("scanning"));
    assert_eq!(world.status(&unpolled).await, "complete 14/14");
    assert_eq!(world.fresh("alice").results(&polled).await.code, 200);
    assert_eq!(world.fresh("mallory").status(&polled).await, "not_found");
    wait(501).await;
    assert_eq!(world.status(&polled).await, "complete 14/14");
}

#[tokio::test(start_paused = true)]
async fn a_result_arrives_after_its_end() {
    let world = World::open("zoo-v", &[]).await;
    let id = world.scan(json!({})).await;
    assert_eq!(world.fresh("alice").results(&id).await.code, 202);
    while world.status(&id).await != "complete 14/14" {
        wait(10).await;
    }
    let ready = world.service.truth().reached(&id, Milestone::ResultReady).expect("it has ended");
    assert!(Instant::now() < ready);
    while Instant::now() < ready {
        assert_eq!(world.fresh("alice").results(&id).await.code, 404);
        wait(30).await;
    }
    assert_eq!(world.fresh("alice").results(&id).await.code, 200);
}

#[tokio::test(start_paused = true)]
async fn an_end_is_answered_to_one_reader_only() {
    let world = World::open("zoo-w", &[]).await;
    let (polled, unpolled) = (world.scan(json!({"symbols": ["A"]})).await, world.scan(json!({"symbols": ["B"]})).await);
    wait(8000).await;
    let mut ends = Vec::new();
    for _ in 0..6 {
        ends.push(world.status(&polled).await);
    }
    assert_eq!(ends.iter().filter(|end| *end == "complete 14/14").count(), 1);
    assert_eq!(ends.iter().filter(|end| *end == "not_found").count(), 5);
    assert_eq!(world.status(&unpolled).await, "complete 14/14");
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_record_arrives_later() {
    let world = World::open("zoo-x", &[("registration-delay", "40ms")]).await;
    let id = world.scan(json!({})).await;
    wait(41).await;
    let early = world.fresh("alice").get(&format!("/api/v1/opportunities/status/{id}")).await;
    assert_eq!(early.body, json!({"success": true, "status": "scanning"}));
    let whole = world.service.truth().reached(&id, Milestone::Detailed).expect("it was recorded");
    changes_at(&world, &id, whole, 7, |answer| answer.body["scan_id"] == id.as_str() && !answer.body["progress"].is_null()).await;
}

#[tokio::test(start_paused = true)]
async fn a_scan_without_a_state_is_told_as_ended() {
    for (word, first) in [("complete", "complete 0/14"), ("failed", "failed")] {
        let world = World::open("zoo-y", &[("unset-state", word)]).await;
        let id = world.scan(json!({})).await;
        assert_eq!(world.status(&id).await, first);
        wait(2500).await;
        assert!(world.status(&id).await.starts_with("scanning"));
        wait(6000).await;
        assert_eq!(world.status(&id).await, "complete 14/14");
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_is_given_up_leaves_its_job_behind() {
    let world = World::open("zoo-z", &[]).await;
    let (mut failed, mut known) = (0, 0);
    for number in 0..40 {
        let asked = Instant::now();
        let answer = world.fresh("alice").discover(json!({"symbols": [number.to_string()]})).await;
        if answer.code != 504 {
            known += 1;
            continue;
        }
        failed += 1;
        assert_eq!(asked.elapsed(), Duration::from_millis(300));
        // The same is not begun anew, because it runs.
        let again = loop {
            let again = world.fresh("alice").discover(json!({"symbols": [number.to_string()]})).await;
            if again.code == 200 {
                break again;
            }
        };
        assert_eq!(again.body["status"], "scanning");
        assert!(world.status(&again.id()).await.starts_with("scanning"));
    }
    assert!(failed >= 2 && known >= 20, "{failed} given up, {known} answered");
}

#[tokio::test(start_paused = true)]
async fn a_cookie_hides_that_workers_share_nothing() {
    let world = World::open("zoo-b-cookie", &[]).await;
    let posted = world.fresh("alice").discover(json!({})).await;
    let (cookie, _) = posted.header("set-cookie").split_once(';').expect("a cookie with attributes");
    let path = format!("/api/v1/opportunities/status/{}", posted.id());
    let (mut with, mut without) = (0, 0);
    for _ in 0..40 {
        let client = world.fresh("alice");
        without += usize::from(client.get(&path).await.body["status"] == "not_found");
        let answer = client.send_with("GET", &path, &[("cookie", cookie)], Body::empty()).await;
        with += usize::from(answer.body["status"] == "not_found");
        assert_eq!(answer.header("set-cookie"), "");
    }
    assert_eq!(with, 0);
    assert!((20..40).contains(&without), "{without} of 40 denied without the cookie");
}

#[tokio::test(start_paused = true)]
async fn copies_are_refreshed_each_at_instants_of_its_own() {
    let world = World::open("zoo-c-prime-timers", &[]).await;
    for _ in 0..10 {
        let id = world.scan(json!({"symbols": [world.ports.load(Ordering::Relaxed).to_string()]})).await;
        let visible = world.service.truth().visible_since(&id).expect("it is known");
        while Instant::now() < visible {
            assert_eq!(world.status(&id).await, "not_found");
            wait(5).await;
        }
        let posted = Instant::now();
        let trace = world.trace(&id, Duration::from_millis(5), 250).await;
        assert!(trace.contains('s') && trace.ends_with("ssssssss"), "after {:?}: {trace}", posted.elapsed());
        wait(137).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_before_the_first_scan_hides_it() {
    let world = World::open("zoo-d-before", &[]).await;
    assert_eq!(world.status("scan_0").await, "not_found");
    wait(1000).await;
    let id = world.scan(json!({})).await;
    assert_eq!(world.fresh("alice").lifecycle(&id).await.code, 200);
    wait(3999).await;
    assert_eq!(world.status(&id).await, "not_found");
    wait(1).await;
    assert!(world.status(&id).await.starts_with("scanning"));
    // Now that there is a scan nothing is kept any more.
    assert_eq!(world.status("scan_0").await, "not_found");
    assert!(world.status(&id).await.starts_with("scanning"));
}

#[tokio::test(start_paused = true)]
async fn a_handover_is_one_hole_at_a_change_of_state() {
    for (at, before, after) in [("end", 's', 'c'), ("start", 's', 's')] {
        let world = World::open("zoo-h-handover", &[("handover-at", at)]).await;
        let id = world.scan(json!({})).await;
        let trace = world.trace(&id, Duration::from_millis(20), 400).await;
        let holes: Vec<&str> = trace.split(|answer| answer != 'n').filter(|hole| !hole.is_empty()).collect();
        assert!(holes.len() == 1 && (14..=16).contains(&holes[0].len()), "{at}: {trace}");
        let from = trace.find('n').expect("a hole");
        assert_eq!((trace[..from].chars().last(), trace[from + holes[0].len()..].chars().next()), (Some(before), Some(after)));
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_refused_scan_only_the_lifecycle_speaks() {
    let world = World::open("zoo-m-refused", &[("refused-rate", "1")]).await;
    let id = world.scan(json!({})).await;
    assert_eq!(world.fresh("alice").lifecycle(&id).await.body["current_status"], "in_progress");
    wait(1000).await;
    assert_eq!(world.fresh("alice").lifecycle(&id).await.body["current_status"], "error");
    assert_eq!(world.trace(&id, Duration::from_secs(1), 8).await, "nnnnnnnn");
}

#[tokio::test(start_paused = true)]
async fn a_change_is_read_strictly() {
    let world = World::open("sound", &[]).await;
    let id = world.scan(json!({})).await;
    let path = format!("/api/v1/opportunities/scans/{id}");
    for (body, code) in [("{}", 422), (r#"{"label": 3}"#, 422), ("label", 400), ("[]", 422), (r#"{"label": "x"}"#, 200)] {
        assert_eq!(world.fresh("alice").send("PATCH", &path, body).await.code, code, "{body}");
    }
    assert_eq!(world.fresh("mallory").label(&id, "x").await.code, 404);
    assert_eq!(world.fresh("alice").label("scan_0", "x").await.code, 404);
}

#[tokio::test(start_paused = true)]
async fn what_a_later_write_needs_is_asked_for() {
    for (preset, knob, value) in [("zoo-b", "update-lag", "1s"), ("sound", "index-copies", "3"), ("sound", "negative-cache-key", "user")] {
        assert!(Service::open(settings(preset, &[(knob, value)])).await.is_err(), "{preset} with {knob}={value} was opened");
    }
}
