//! A real Redis, which each test starts for itself. On the real clock.

use std::process::{Child, Command, Stdio};

use futures_util::FutureExt as _;

use super::stores::{check_promises, quick, until};
use super::*;
use crate::service::OpenError;

#[path = "../../../tests/support/skip.rs"]
mod skip;

/// A Redis of our own, ended with the test.
pub(super) struct RedisServer {
    process: Child,
    port: u16,
    dir: tempfile::TempDir,
    keeps: Keeps,
}

/// What a Redis still has after it was stopped and started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    Everything,
    Nothing,
}

impl RedisServer {
    /// `None` where it is not installed: the test that asks is skipped.
    pub(super) async fn start() -> Option<Self> {
        Self::keeping(Keeps::Nothing).await
    }

    async fn keeping(keeps: Keeps) -> Option<Self> {
        if !skip::have("redis-server") {
            return None;
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let dir = tempfile::tempdir().expect("a directory");
        let mut server = RedisServer { process: Self::spawn(port, &dir, keeps), port, dir, keeps };
        server.ready().await;
        Some(server)
    }

    fn spawn(port: u16, dir: &tempfile::TempDir, keeps: Keeps) -> Child {
        let appends = if keeps == Keeps::Everything { "yes" } else { "no" };
        Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", appends, "--dir"])
            .arg(dir.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts")
    }

    async fn ready(&mut self) {
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            wait(10).await;
        }
        panic!("redis-server did not open port {}", self.port);
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/3", self.port)
    }

    /// Starts again after [`RedisServer::kill`].
    async fn start_again(&mut self) {
        self.process = Self::spawn(self.port, &self.dir, self.keeps);
        self.ready().await;
    }

    fn kill(&mut self) {
        // A process that is gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

#[tokio::test]
async fn sound_keeps_its_promises_on_redis() {
    let Some(redis) = RedisServer::start().await else { return };
    for (workers, prefix) in [("1", "a:"), ("4", "b:")] {
        let world = quick("sound", &[("workers", workers), ("store", &redis.url()), ("redis-prefix", prefix)]).await;
        check_promises(&world).await;
        world.service.shut_down().await;
    }
}

#[tokio::test]
async fn two_sound_services_on_one_redis_are_one_service() {
    let Some(redis) = RedisServer::start().await else { return };
    let slow = [("store", redis.url()), ("strategy", "10s".to_owned())];
    let slow: Vec<(&str, &str)> = slow.iter().map(|(knob, value)| (*knob, value.as_str())).collect();
    let (one, two) = (quick("sound", &slow).await, quick("sound", &[&slow[..], &[("seed", "2")]].concat()).await);
    let id = one.scan(json!({})).await;
    assert_ne!(two.status(&id).await, "not_found");
    assert_eq!(two.scan(json!({})).await, id, "the second service joins the first one's scan");
    assert_eq!(two.fresh("alice").discover(forced()).await.id(), id, "and can take it over");
    let other = one.fresh("alice").discover(json!({"symbols": ["S"]})).await.id();
    assert_eq!(two.fresh("alice").cancel(&other).await.code, 200, "the second service can cancel it");
    assert_eq!(one.status(&other).await, "failed");
    assert_eq!(one.fresh("alice").discover(json!({"symbols": ["S"]})).await.body["status"], "initiated");
    one.service.shut_down().await;
    two.service.shut_down().await;
}

#[tokio::test]
async fn shared_cache_on_redis_denies_and_freezes_as_it_does_on_the_shared_map() {
    let Some(redis) = RedisServer::start().await else { return };
    let world = quick("shared-cache", &[("workers", "3"), ("store", &redis.url())]).await;
    let (owner, idle, warmed) = (world.fresh("alice"), world.fresh("alice"), world.fresh("alice"));
    owner.get("/health").await;
    idle.get("/health").await;
    warmed.discover(json!({"symbols": ["OTHER"]})).await;
    let id = owner.discover(json!({})).await.id();
    let first = warmed.status(&id).await;
    assert!(first.starts_with("scanning"));
    until(&owner, &id, "complete 14/14").await;
    assert_eq!(idle.status(&id).await, "not_found");
    assert_eq!(warmed.status(&id).await, first, "frozen at its first copy");
    assert_eq!(warmed.results(&id).await.code, 202);
}

#[tokio::test]
async fn redis_holds_the_keys_of_the_original_system_with_their_lifetimes() {
    let Some(redis) = RedisServer::start().await else { return };
    let world = quick("shared-cache", &[("store", &redis.url()), ("strategy", "30s")]).await;
    let id = world.scan(json!({})).await;
    wait(60).await;
    let client = ::redis::Client::open(redis.url()).expect("an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    for (key, life) in [
        (format!("opportunity_scan_lookup:{id}"), 600),
        (format!("opportunity_scan_result_index:{id}"), 600),
        ("opportunity_user_latest_scan:alice".to_owned(), 600),
        ("opportunity_scan_result:alice:b7131f12a6b6595f".to_owned(), 300),
        (format!("scan_lifecycle:{id}"), 3600),
    ] {
        let ttl: i64 = ::redis::cmd("TTL").arg(&key).query_async(&mut connection).await.expect("an answer");
        assert!((life - 5..=life).contains(&ttl), "{key} lives for {ttl} s");
    }
    let members: i64 = ::redis::cmd("ZCARD").arg("scan_lifecycle:index").query_async(&mut connection).await.expect("an answer");
    assert_eq!(members, 1);
}

#[tokio::test]
async fn a_redis_that_dies_is_a_503_and_comes_back() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let world = quick("sound", &[("store", &redis.url()), ("strategy", "30s")]).await;
    let id = world.scan(json!({})).await;
    assert!(world.status(&id).await.starts_with("scanning"));
    redis.kill();
    assert_eq!(world.status(&id).await, "http 503");
    assert_eq!(world.fresh("alice").discover(json!({"symbols": ["X"]})).await.code, 503);
    redis.start_again().await;
    for _ in 0..300 {
        if world.fresh("alice").discover(json!({"symbols": ["Y"]})).await.code == 200 {
            return;
        }
        wait(10).await;
    }
    panic!("the service did not find its store again");
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_found_out_at_start() {
    let error = Service::open(settings("sound", &[("store", "redis://127.0.0.1:1/")])).await.expect_err("nobody listens there");
    assert!(matches!(error, OpenError::Store(_)), "{error}");
}

#[tokio::test]
async fn a_scan_whose_process_is_gone_has_failed_for_the_other_processes() {
    let Some(redis) = RedisServer::start().await else { return };
    let url = redis.url();
    let knobs = [("store", url.as_str()), ("strategy", "30s"), ("lease", "1s"), ("on-crash", "vanish")];
    let (one, two) = (quick("sound", &knobs).await, quick("sound", &[&knobs[..], &[("seed", "2")]].concat()).await);
    let id = one.scan(json!({})).await;
    wait(1500).await;
    assert!(two.status(&id).await.starts_with("scanning"), "the lease is renewed");
    one.service.shut_down().await;
    until(&two.fresh("alice"), &id, "failed").await;
    assert_eq!(two.fresh("alice").lifecycle(&id).await.body["current_phase"], "failed");
    let next = two.fresh("alice").discover(json!({})).await;
    assert_eq!(next.body["status"], "initiated", "a dead scan is not joined");
    assert_ne!(next.id(), id);
    two.service.shut_down().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_while_it_posts_leaves_nothing_half_done() {
    let Some(redis) = RedisServer::start().await else { return };
    let world = quick("shared-cache", &[("store", &redis.url())]).await;
    // Polled once and dropped: the handler is then waiting for Redis in the midst of its work.
    let client = world.fresh("alice");
    assert!(client.discover(json!({})).now_or_never().is_none());
    let id = world.scan(json!({})).await;
    until(&world.fresh("alice"), &id, "complete 14/14").await;
}

/// Asks for these scans over and over until told to stop; all that was said.
async fn poll_until(mut stop: tokio::sync::watch::Receiver<bool>, clients: Vec<Client>, ids: Vec<String>) -> Vec<String> {
    let mut told = Vec::new();
    while !*stop.borrow_and_update() {
        for (client, id) in clients.iter().zip(&ids) {
            told.push(client.status(id).await);
        }
        tokio::task::yield_now().await;
    }
    told
}

#[tokio::test]
async fn a_redis_that_is_restarted_in_mid_run_costs_a_503_and_never_a_not_found() {
    for keeps in [Keeps::Everything, Keeps::Nothing] {
        let Some(mut redis) = RedisServer::keeping(keeps).await else { return };
        let world = quick("sound", &[("store", &redis.url()), ("strategy", "uniform(2s,4s)")]).await;
        let ended = world.fresh("alice").discover(json!({"symbols": ["ENDED"]})).await.id();
        assert_eq!(world.fresh("alice").cancel(&ended).await.code, 200);
        let mut ids = vec![ended.clone()];
        for number in 0..5 {
            ids.push(world.fresh("alice").discover(json!({"symbols": [format!("S{number}")]})).await.id());
        }
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let clients = ids.iter().map(|_| world.fresh("alice")).collect();
        let polls = tokio::spawn(poll_until(stopped, clients, ids.clone()));
        redis.kill();
        assert_eq!(world.status(&ids[1]).await, "http 503");
        redis.start_again().await;
        // The scans that run write themselves anew, and end.
        for id in &ids[1..] {
            until(&world.fresh("alice"), id, "complete 14/14").await;
        }
        let fresh = world.fresh("alice").discover(json!({"symbols": ["NEW"]})).await.id();
        until(&world.fresh("alice"), &fresh, "complete 14/14").await;
        stop.send(true).expect("the polls go on");
        let told = polls.await.expect("the polls end");
        assert!(told.iter().any(|told| told == "http 503"), "{keeps:?}: nobody met the outage");
        let right = |told: &String| told == "http 503" || ["scanning", "complete", "failed"].iter().any(|word| told.starts_with(word));
        assert_eq!(told.iter().find(|told| !right(told)), None, "{keeps:?}");
        // What had ended is kept or lost; if it is lost, nobody denies it, nor what was never there: the two look alike.
        let (of_ended, of_nobody) = (world.status(&ended).await, world.status("scan_00000000000000000000000000000000").await);
        match keeps {
            Keeps::Everything => assert_eq!((of_ended.as_str(), of_nobody.as_str()), ("failed", "not_found")),
            Keeps::Nothing => assert_eq!((of_ended.as_str(), of_nobody.as_str()), ("http 503", "http 503")),
        }
        world.service.shut_down().await;
    }
}

#[tokio::test]
async fn what_was_lost_is_denied_by_no_process_and_for_no_longer_than_it_would_have_lived() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let short = [("store", redis.url()), ("ttl-lookup", "2s".to_owned()), ("ttl-full", "1s".to_owned()), ("ttl-partial", "1s".to_owned())];
    let short: Vec<(&str, &str)> = short.iter().map(|(knob, value)| (*knob, value.as_str())).collect();
    let (one, two) = (quick("sound", &short).await, quick("sound", &[&short[..], &[("seed", "2")]].concat()).await);
    let id = one.fresh("alice").discover(json!({})).await.id();
    assert_eq!(one.fresh("alice").cancel(&id).await.code, 200);
    redis.kill();
    redis.start_again().await;
    // A process that comes later cannot know by itself; the first one's stamp tells it.
    let mut told = one.status(&id).await;
    for _ in 0..200 {
        if told.starts_with("http 503") && is_stamped(&redis).await {
            break;
        }
        wait(10).await;
        told = one.status(&id).await;
    }
    let late = quick("sound", &[&short[..], &[("seed", "3")]].concat()).await;
    for world in [&one, &two, &late] {
        assert_eq!(world.status(&id).await, "http 503");
        assert_eq!(world.fresh("alice").results(&id).await.code, 503);
        assert_eq!(world.fresh("alice").lifecycle(&id).await.code, 503);
        assert_eq!(world.fresh("alice").cancel(&id).await.code, 503);
    }
    for world in [&one, &two, &late] {
        until(&world.fresh("alice"), &id, "not_found").await;
    }
}

/// Whether a Redis has been stamped since it was started: then somebody has noticed.
async fn is_stamped(redis: &RedisServer) -> bool {
    let client = ::redis::Client::open(redis.url()).expect("an address");
    let Ok(mut connection) = client.get_multiplexed_async_connection().await else { return false };
    ::redis::cmd("EXISTS").arg("statusgap:stamp").query_async::<i64>(&mut connection).await == Ok(1)
}
