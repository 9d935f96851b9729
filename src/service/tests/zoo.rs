//! Each fault shows its own signature, and a sound service shows none of them.

use super::*;

/// A class, its preset, and the worker counts with which it can show.
const CLASSES: [(&str, &str, &[&str]); 18] = [
    ("A", "zoo-a", &["1", "4"]),
    ("B", "zoo-b", &["4"]),
    ("C", "zoo-c", &["1", "4"]),
    ("C'", "zoo-c-prime", &["1", "4"]),
    ("D", "zoo-d", &["1", "4"]),
    ("E", "zoo-e", &["1", "4"]),
    ("F", "zoo-f", &["1", "4"]),
    ("G", "zoo-g", &["1", "4"]),
    ("H", "zoo-h", &["1", "4"]),
    ("I", "zoo-i", &["1", "4"]),
    ("J", "zoo-j", &["1", "4"]),
    ("K", "zoo-k", &["1", "4"]),
    ("L", "zoo-l", &["1", "4"]),
    ("M", "zoo-m", &["1", "4"]),
    ("N", "zoo-n", &["1", "4"]),
    ("O", "zoo-o", &["1", "4"]),
    ("P", "zoo-p", &["1", "4"]),
    ("Q", "zoo-q", &["1", "4"]),
];

#[tokio::test(start_paused = true)]
async fn each_fault_shows_its_signature_and_sound_shows_none() {
    for (class, preset, counts) in CLASSES {
        for workers in counts {
            let faulty = World::open(preset, &[("workers", workers)]).await;
            assert!(shows(class, &faulty).await, "{preset} with {workers} workers does not show {class}");
            faulty.service.shut_down().await;
            let sound = World::open("sound", &[("workers", workers)]).await;
            assert!(!shows(class, &sound).await, "sound with {workers} workers shows {class}");
            sound.service.shut_down().await;
        }
    }
}

/// Whether a service shows the signature of a class.
async fn shows(class: &str, world: &World) -> bool {
    match class {
        "A" => delayed_registration(world).await,
        "B" => instance_memory(world).await,
        "C" => replica_lag(world).await,
        "C'" => mixed_reads(world).await,
        "D" => negative_cache(world).await,
        "E" => queue(world).await,
        "F" => eviction(world).await,
        "G" => index_lattice(world).await,
        "H" => holes(world).await,
        "I" => late_commit(world).await,
        "J" => wrong_job(world).await,
        "K" => scope(world).await,
        "L" => mangled_ids(world).await,
        "M" => lost_jobs(world).await,
        "N" => world.status("scan_never_issued").await.starts_with("scanning"),
        "O" => stale_fallback(world).await,
        "P" => held_connection(world).await,
        "Q" => {
            let id = world.scan(json!({})).await;
            world.fresh("mallory").status(&id).await.starts_with("scanning")
        }
        _ => panic!("no signature for class {class}"),
    }
}

/// A scan of its own filters, so that nothing is joined.
async fn own_scan(world: &World, number: usize) -> String {
    world.scan(json!({"symbols": [format!("S{number}")]})).await
}

/// Single polls at the same age see the same edge as a dense trace, and the witness knows the scan all along.
async fn delayed_registration(world: &World) -> bool {
    let dense = own_scan(world, 0).await;
    let single = own_scan(world, 1).await;
    let known = world.fresh("alice").lifecycle(&dense).await.code == 200;
    let trace = world.trace(&dense, Duration::from_millis(99), 22).await;
    let edge = trace.find('s');
    known && trace.starts_with('n') && edge == Some(21) && !trace[21..].contains('n') && world.status(&single).await.starts_with('s')
}

/// Both outcomes at every age, one outcome on each connection.
async fn instance_memory(world: &World) -> bool {
    let id = own_scan(world, 0).await;
    let kept: Vec<Client> = (0..8).map(|_| world.fresh("alice")).collect();
    let mut outcomes = vec![String::new(); kept.len()];
    for _ in 0..5 {
        for (client, seen) in kept.iter().zip(&mut outcomes) {
            seen.push(if client.status(&id).await == "not_found" { 'N' } else { 'F' });
        }
        wait(2000).await;
    }
    outcomes.iter().any(|seen| seen == "FFFFF") && outcomes.iter().any(|seen| seen == "NNNNN")
}

/// The second write is as late as the first.
async fn replica_lag(world: &World) -> bool {
    let id = own_scan(world, 0).await;
    wait(399).await;
    let before = world.status(&id).await;
    wait(3).await;
    let after = world.status(&id).await;
    wait(600).await;
    assert_eq!(world.fresh("alice").cancel(&id).await.code, 200);
    wait(398).await;
    let cancel_unseen = world.status(&id).await;
    wait(4).await;
    before == "not_found" && after == "scanning 0/14" && cancel_unseen == "scanning 0/14" && world.status(&id).await == "failed"
}

/// Both outcomes during the lag, none afterwards.
async fn mixed_reads(world: &World) -> bool {
    let id = own_scan(world, 0).await;
    let early = world.trace(&id, Duration::from_millis(10), 39).await;
    wait(20).await;
    let late = world.trace(&id, Duration::from_millis(10), 60).await;
    early.contains("sn") && early.contains("ns") && !late.contains('n')
}

/// Of two scans of equal age only the one that was polled early is still denied, and only under the same address.
async fn negative_cache(world: &World) -> bool {
    let polled = own_scan(world, 0).await;
    let unpolled = own_scan(world, 1).await;
    let address = format!("/api/v1/opportunities/status/{polled}");
    let first = world.fresh("alice").get(&address).await;
    wait(3000).await;
    let kept = world.fresh("alice").get(&address).await;
    let busted = world.fresh("alice").status_at(&format!("{address}?x=1")).await;
    let other = world.status(&unpolled).await;
    wait(2001).await;
    first.header("x-cache") == "MISS"
        && (kept.header("x-cache"), kept.header("age")) == ("HIT", "3")
        && kept.body["status"] == "not_found"
        && busted.starts_with("scanning")
        && other.starts_with("scanning")
        && world.status(&polled).await.starts_with("scanning")
}

/// An idle probe sees nothing; of jobs posted back to back the k-th appears after k slots.
async fn queue(world: &World) -> bool {
    let idle = own_scan(world, 100).await;
    let idle_seen = world.status(&idle).await;
    wait(400).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(own_scan(world, number).await);
    }
    wait(10).await;
    let mut visible = Vec::new();
    for _ in 0..5 {
        let mut count = 0;
        for id in &ids {
            count += usize::from(world.status(id).await.starts_with("scanning"));
        }
        visible.push(count);
        wait(300).await;
    }
    idle_seen.starts_with("scanning") && visible == [1, 2, 3, 4, 5]
}

/// The result is there when it is ready, and gone for good a second later.
async fn eviction(world: &World) -> bool {
    let id = own_scan(world, 0).await;
    let trace = world.trace(&id, Duration::from_millis(100), 120).await;
    let complete = trace.matches('c').count();
    !trace.starts_with('n') && (9..=11).contains(&complete) && trace.ends_with("nnnnnnnnnn")
}

/// Scans posted at any time appear on whole seconds of the service's life.
async fn index_lattice(world: &World) -> bool {
    for (number, phase) in [130, 410, 270, 780].into_iter().enumerate() {
        wait(phase).await;
        let id = own_scan(world, number).await;
        let now = world.service.shared.clock.elapsed().as_millis() as u64;
        let tick = now / 1000 * 1000 + 1000;
        wait(tick - now - 2).await;
        if world.status(&id).await != "not_found" {
            return false;
        }
        wait(3).await;
        if world.status(&id).await == "not_found" {
            return false;
        }
    }
    true
}

/// A dense trace falls into short holes and climbs out again.
async fn holes(world: &World) -> bool {
    let id = own_scan(world, 0).await;
    let trace = world.trace(&id, Duration::from_millis(5), 1500).await;
    let holes: Vec<usize> = trace.split(|outcome| outcome != 'n').map(str::len).filter(|length| *length > 0).collect();
    trace.starts_with('s') && trace.ends_with('c') && holes.len() >= 5 && holes.iter().all(|length| *length <= 30)
}

/// Some scans, not all, are denied at once, and none after a few milliseconds.
async fn late_commit(world: &World) -> bool {
    let mut denied = 0;
    let mut denied_later = 0;
    for number in 0..60 {
        let id = own_scan(world, number).await;
        denied += usize::from(world.status(&id).await == "not_found");
        wait(7).await;
        denied_later += usize::from(world.status(&id).await == "not_found");
    }
    (6..55).contains(&denied) && denied_later == 0
}

/// After a second scan the first one's status carries the second one's id.
async fn wrong_job(world: &World) -> bool {
    let first = own_scan(world, 0).await;
    let second = own_scan(world, 1).await;
    let answer = world.fresh("alice").get(&format!("/api/v1/opportunities/status/{first}")).await;
    answer.body["scan_id"] == second.as_str()
}

/// The plain address never knows the scan, the one that was handed out does.
async fn scope(world: &World) -> bool {
    let posted = world.fresh("alice").discover(json!({})).await;
    let id = posted.id();
    let poll_url = posted.body["poll_url"].as_str().expect("poll_url").to_owned();
    let results_url = posted.body["results_url"].as_str().expect("results_url").to_owned();
    let mut bare = world.trace(&id, Duration::from_secs(1), 8).await;
    bare.dedup();
    bare == "n"
        && world.fresh("alice").status_at(&poll_url).await == "complete 14/14"
        && world.fresh("alice").get(&results_url).await.code == 200
        && world.fresh("alice").results(&id).await.code == 404
        && world.fresh("alice").lifecycle(&id).await.code == 200
}

trait Dedup {
    fn dedup(&mut self);
}

impl Dedup for String {
    fn dedup(&mut self) {
        let mut letters: Vec<char> = self.chars().collect();
        letters.dedup();
        *self = letters.into_iter().collect();
    }
}

/// Whether a scan is found depends on the characters of its id, and the answer is not the service's own.
async fn mangled_ids(world: &World) -> bool {
    let mut by_feature = std::collections::BTreeSet::new();
    for number in 0..40 {
        let posted = world.fresh("alice").discover(json!({"symbols": [number.to_string()]})).await;
        let poll_url = posted.body["poll_url"].as_str().expect("poll_url").to_owned();
        let answer = world.fresh("alice").get(&poll_url).await;
        let own_form = answer.body.get("status").is_some() || answer.body.get("error").is_some();
        by_feature.insert((posted.id().contains('/'), answer.code, own_form));
    }
    by_feature.into_iter().eq([(false, 200, true), (true, 404, false)])
}

/// Some scans, with ids like all others, are never heard of again, not even by the witness.
async fn lost_jobs(world: &World) -> bool {
    let mut ids = Vec::new();
    for number in 0..50 {
        ids.push(own_scan(world, number).await);
    }
    wait(8000).await;
    let mut lost = 0;
    for id in &ids {
        let denied = world.status(id).await == "not_found";
        assert_eq!(denied, world.fresh("alice").lifecycle(id).await.code == 404, "the witness agrees");
        lost += usize::from(denied);
    }
    (2..25).contains(&lost)
}

/// Complete turns into scanning for its owner; a foreign user still sees nothing.
async fn stale_fallback(world: &World) -> bool {
    let id = own_scan(world, 0).await;
    let trace = world.trace(&id, Duration::from_millis(100), 120).await;
    trace.contains("cs") && world.fresh("mallory").status(&id).await == "not_found"
}

/// The connection of the POST stalls and then finds; a new one is denied meanwhile.
async fn held_connection(world: &World) -> bool {
    let kept = world.fresh("alice");
    let id = kept.discover(json!({})).await.id();
    let asked = tokio::time::Instant::now();
    let stalled = async { (kept.status(&id).await, asked.elapsed()) };
    let fresh = async {
        wait(1000).await;
        world.status(&id).await
    };
    let ((found, after), denied) = tokio::join!(stalled, fresh);
    found.starts_with("scanning") && after >= Duration::from_secs(2) && denied == "not_found" && {
        let again = tokio::time::Instant::now();
        kept.status(&id).await;
        again.elapsed().is_zero()
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_as_pending_hides_behind_every_other_answer_being_right() {
    let world = World::open("zoo-n", &[]).await;
    let id = world.scan(json!({})).await;
    wait(7000).await;
    assert_eq!(world.status(&id).await, "complete 14/14");
    assert_eq!(world.status("scan_never_issued").await, "scanning 0/14");
}

#[tokio::test(start_paused = true)]
async fn faults_combine() {
    let world = World::open("zoo-b", &[("registration-delay", "1s")]).await;
    let id = own_scan(&world, 0).await;
    assert_eq!(world.trace(&id, Duration::from_millis(100), 8).await, "nnnnnnnn");
    wait(300).await;
    assert_eq!(world.trace(&id, Duration::from_millis(100), 8).await, "nnnsnnns");

    let world = World::open("zoo-d", &[("registration-delay", "2s")]).await;
    let id = own_scan(&world, 0).await;
    wait(1900).await;
    assert_eq!(world.status(&id).await, "not_found");
    wait(4990).await;
    assert_eq!(world.status(&id).await, "not_found", "the cache holds what the delay made");

    let world = World::open("zoo-j", &[("registration-delay", "1s")]).await;
    let (first, second) = (own_scan(&world, 0).await, own_scan(&world, 1).await);
    assert_eq!(world.status(&first).await, "not_found");
    wait(1100).await;
    let answer = world.fresh("alice").get(&format!("/api/v1/opportunities/status/{first}")).await;
    assert_eq!(answer.body["scan_id"], second.as_str());
}

#[tokio::test(start_paused = true)]
async fn records_are_evicted_by_count_by_completion_and_by_idleness() {
    let world = World::open("sound", &[("evict", "keep-last"), ("evict-keep", "1")]).await;
    let first = own_scan(&world, 0).await;
    wait(7000).await;
    assert_eq!(world.status(&first).await, "complete 14/14");
    let second = own_scan(&world, 1).await;
    wait(7000).await;
    assert_eq!(world.status(&first).await, "not_found");
    assert_eq!(world.status(&second).await, "complete 14/14");

    let world = World::open("sound", &[("evict", "on-completion")]).await;
    let id = own_scan(&world, 0).await;
    let mut trace = world.trace(&id, Duration::from_millis(100), 80).await;
    trace.dedup();
    assert_eq!(trace, "sn");

    let world = World::open("sound", &[("evict", "idle"), ("evict-after", "3s")]).await;
    let (asked, idle) = (own_scan(&world, 0).await, own_scan(&world, 1).await);
    assert!(!world.trace(&asked, Duration::from_millis(500), 40).await.contains('n'));
    assert_eq!(world.status(&idle).await, "not_found");
}

#[tokio::test(start_paused = true)]
async fn a_visible_queue_is_slow_and_healthy() {
    let world = World::open("queued", &[]).await;
    for number in 0..6 {
        let id = own_scan(&world, number).await;
        assert_eq!(world.status(&id).await, "scanning 0/14");
    }
}

#[tokio::test(start_paused = true)]
async fn the_truth_lies_in_every_bracket() {
    for (preset, knobs) in [
        ("deferred", &[][..]),
        ("placeholder", &[]),
        ("sound", &[]),
        ("zoo-a", &[("registration-delay", "lognormal(300ms,0.8)")]),
        ("zoo-c", &[]),
        ("zoo-g", &[]),
        ("zoo-e", &[]),
        ("zoo-i", &[]),
        ("history-2", &[]),
    ] {
        let world = World::open(preset, knobs).await;
        for number in 0..20 {
            let id = own_scan(&world, number).await;
            let mut last_denied = None;
            let received = loop {
                let sent = tokio::time::Instant::now();
                if world.status(&id).await != "not_found" {
                    break tokio::time::Instant::now();
                }
                last_denied = Some(sent);
                wait(3).await;
            };
            let visible = world.service.truth().visible_since(&id).expect("it was seen");
            assert!(visible <= received, "{preset}: seen before it was visible");
            assert!(last_denied.is_none_or(|sent| sent <= visible), "{preset}: denied after it was visible");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_published_quorum_gives_its_published_share_through_the_router() {
    let world = World::open("sound", &[("quorum", "LNKD-DISK")]).await;
    let mut fresh = 0;
    for number in 0..400 {
        let id = own_scan(&world, number).await;
        fresh += usize::from(world.status(&id).await != "not_found");
    }
    // 43.7 % of 400, give or take four standard errors.
    assert!((135..=215).contains(&fresh), "{fresh} of 400 were fresh at once");
}

#[tokio::test(start_paused = true)]
async fn knobs_that_could_have_no_effect_are_refused() {
    for (preset, knobs) in [
        ("deferred", [("replica-lag", "1s"), ("workers", "1")]),
        ("zoo-b", [("quorum", "YMMR"), ("workers", "1")]),
        ("sound", [("replica-lag", "1s"), ("index-period", "1s")]),
        ("sound", [("workers", "0"), ("replica-lag", "1s")]),
    ] {
        let refused = Service::open(settings(preset, &knobs)).await;
        assert!(refused.is_err(), "{preset} with {knobs:?} was opened");
    }
}

#[tokio::test(start_paused = true)]
async fn the_scope_fault_works_in_worker_memory_too() {
    let world = World::open("zoo-b", &[("workers", "1"), ("remote-region-share", "1")]).await;
    assert!(scope(&world).await);
}
