//! A real Redis, which each test starts for itself. On the real clock.

use std::process::{Child, Command, Stdio};

use futures_util::FutureExt as _;

use super::stores::{check_promises, quick, until};
use super::*;
use crate::service::OpenError;

/// A Redis of our own, ended with the test.
pub(super) struct RedisServer {
    process: Child,
    port: u16,
    dir: tempfile::TempDir,
}

impl RedisServer {
    pub(super) async fn start() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let dir = tempfile::tempdir().expect("a directory");
        let mut server = RedisServer { process: Self::spawn(port, &dir), port, dir };
        server.ready().await;
        server
    }

    fn spawn(port: u16, dir: &tempfile::TempDir) -> Child {
        Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
            .arg(dir.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("this test needs a real Redis: install redis-server (Debian: apt-get install redis-server)")
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
    let redis = RedisServer::start().await;
    for (workers, prefix) in [("1", "a:"), ("4", "b:")] {
        let world = quick("sound", &[("workers", workers), ("store", &redis.url()), ("redis-prefix", prefix)]).await;
        check_promises(&world).await;
        world.service.shut_down().await;
    }
}

#[tokio::test]
async fn two_sound_services_on_one_redis_are_one_service() {
    let redis = RedisServer::start().await;
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
    let redis = RedisServer::start().await;
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
    let redis = RedisServer::start().await;
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
    let mut redis = RedisServer::start().await;
    let world = quick("sound", &[("store", &redis.url()), ("strategy", "30s")]).await;
    let id = world.scan(json!({})).await;
    assert!(world.status(&id).await.starts_with("scanning"));
    redis.kill();
    assert_eq!(world.status(&id).await, "http 503");
    assert_eq!(world.fresh("alice").discover(json!({"symbols": ["X"]})).await.code, 503);
    redis.process = RedisServer::spawn(redis.port, &redis.dir);
    redis.ready().await;
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
    let redis = RedisServer::start().await;
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
    let redis = RedisServer::start().await;
    let world = quick("shared-cache", &[("store", &redis.url())]).await;
    // Polled once and dropped: the handler is then waiting for Redis in the midst of its work.
    let client = world.fresh("alice");
    assert!(client.discover(json!({})).now_or_never().is_none());
    let id = world.scan(json!({})).await;
    until(&world.fresh("alice"), &id, "complete 14/14").await;
}
