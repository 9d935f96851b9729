//! Hundreds of connections ask the `sound` service at once, and every answer is compared with a simple model of what it may say.
//!
//! The model knows for each scan who owns it and what was last seen of it; what it knows when a request is sent bounds what may be
//! answered: no accepted scan is denied to its owner or shown to anybody else, progress never falls, and an end stays. With
//! `STATUSGAP_LONG` set there are ten thousand scans instead of one thousand.

use crate::support::served;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use served::{Answer, Connection, Redis, Served};

/// What is known of a scan.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    owner: &'static str,
    symbol: String,
    seen: Seen,
}

/// The furthest that a scan was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    /// Strategies completed.
    Running(u64),
    Ended(End),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Complete,
    Failed,
}

/// All scans that were handed out, by id.
#[derive(Debug, Default)]
struct Model {
    scans: Mutex<BTreeMap<String, Known>>,
}

impl Model {
    fn know(&self, id: &str) -> Option<Known> {
        self.scans.lock().expect("no test panics in here").get(id).cloned()
    }

    /// An id of a scan that was handed out by now, whosever it is.
    fn any(&self, dice: &mut ChaCha8Rng) -> Option<String> {
        let scans = self.scans.lock().expect("no test panics in here");
        let at = dice.random_range(0..scans.len().max(1));
        scans.keys().nth(at).cloned()
    }

    fn issued(&self, id: &str, owner: &'static str, symbol: &str) {
        let known = Known { owner, symbol: symbol.to_owned(), seen: Seen::Running(0) };
        let former = self.scans.lock().expect("no test panics in here").insert(id.to_owned(), known);
        assert_eq!(former, None, "an id was handed out twice");
    }

    fn saw(&self, id: &str, seen: Seen) {
        let mut scans = self.scans.lock().expect("no test panics in here");
        let known = scans.get_mut(id).expect("a scan that was handed out");
        known.seen = known.seen.max(seen);
    }

    /// Compares a status answer with what was known when it was asked for.
    fn judge(&self, id: &str, user: &str, before: Option<&Known>, answer: &Answer) {
        let Some(before) = before.filter(|known| known.owner == user) else {
            assert_eq!((answer.code, answer.word()), (200, "not_found"), "{user} has no scan {id}: {answer:?}");
            return;
        };
        assert_eq!(answer.code, 200, "{answer:?}");
        assert_eq!(answer.body["scan_id"], id, "the id that is answered is the one that was asked for");
        let seen = match answer.word() {
            "scanning" => Seen::Running(answer.body["progress"]["strategies_completed"].as_u64().expect("a number")),
            "complete" => Seen::Ended(End::Complete),
            "failed" => Seen::Ended(End::Failed),
            word => panic!("{id} of {user} is {word} after {before:?}"),
        };
        match before.seen {
            Seen::Ended(_) => assert_eq!(seen, before.seen, "an end stays: {answer:?}"),
            Seen::Running(_) => assert!(seen >= before.seen, "progress fell from {:?} to {seen:?}", before.seen),
        }
        self.saw(id, seen);
    }
}

/// One connection's life: scans of its own, and questions about everybody's.
async fn live(mut connection: Connection, model: Arc<Model>, number: usize, scans: usize) -> u64 {
    let user = ["alice", "mallory"][number % 2];
    let mut dice = ChaCha8Rng::seed_from_u64(number as u64);
    let mut asked = 0;
    for scan in 0..scans {
        let symbol = format!("S{number}-{scan}");
        let answer = connection.discover(user, &symbol).await;
        assert_eq!((answer.code, answer.word()), (200, "initiated"), "{answer:?}");
        let mut mine = answer.body["scan_id"].as_str().expect("an id").to_owned();
        model.issued(&mine, user, &symbol);
        for _ in 0..3 {
            asked += 1;
            match dice.random_range(0..10) {
                0 => mine = again(&mut connection, &model, user, &mine).await,
                1 => cancel(&mut connection, &model, user, &mine).await,
                2 => {
                    let invented = format!("scan_{:032x}", dice.random::<u128>());
                    let answer = connection.status(user, &invented).await;
                    model.judge(&invented, user, None, &answer);
                }
                3 => results(&mut connection, &model, user, &mine).await,
                4..=6 => poll(&mut connection, &model, user, &mine).await,
                _ => {
                    if let Some(any) = model.any(&mut dice) {
                        poll(&mut connection, &model, user, &any).await;
                    }
                }
            }
        }
        asked += 1;
    }
    asked
}

async fn poll(connection: &mut Connection, model: &Model, user: &str, id: &str) {
    let before = model.know(id);
    let answer = connection.status(user, id).await;
    model.judge(id, user, before.as_ref(), &answer);
}

/// The same is asked for again: the latest scan is joined if it runs; if it has ended there is a new one. The latest then.
async fn again(connection: &mut Connection, model: &Model, user: &'static str, id: &str) -> String {
    let before = model.know(id).expect("a scan of ours");
    let answer = connection.discover(user, &before.symbol).await;
    let given = answer.body["scan_id"].as_str().expect("an id");
    match answer.word() {
        "scanning" => {
            assert_eq!(given, id, "the scan that runs is joined");
            assert!(matches!(before.seen, Seen::Running(_)), "an ended scan was joined");
        }
        "initiated" => {
            model.issued(given, user, &before.symbol);
            let now = connection.status(user, id).await;
            assert!(["complete", "failed"].contains(&now.word()), "there was a scan to join: {now:?}");
        }
        word => panic!("{word}: {answer:?}"),
    }
    given.to_owned()
}

async fn cancel(connection: &mut Connection, model: &Model, user: &str, id: &str) {
    let before = model.know(id).expect("a scan of ours");
    let answer = connection.ask("POST", &format!("opportunities/cancel/{id}"), user, "").await;
    match answer.code {
        200 => {
            assert!(matches!(before.seen, Seen::Running(_)), "an ended scan was cancelled");
            model.saw(id, Seen::Ended(End::Failed));
        }
        409 => {
            let now = connection.status(user, id).await;
            assert!(["complete", "failed"].contains(&now.word()), "there was something to cancel: {now:?}");
        }
        code => panic!("{code}: {answer:?}"),
    }
}

async fn results(connection: &mut Connection, model: &Model, user: &str, id: &str) {
    let before = model.know(id).expect("a scan of ours");
    let answer = connection.ask("GET", &format!("opportunities/results/{id}"), user, "").await;
    match before.seen {
        Seen::Ended(End::Complete) => assert_eq!(answer.code, 200, "{answer:?}"),
        Seen::Ended(End::Failed) => assert_eq!(answer.code, 404, "{answer:?}"),
        // It may have ended meanwhile, but only this connection cancels.
        Seen::Running(_) => assert!([200, 202].contains(&answer.code), "{answer:?}"),
    }
    if answer.code == 200 {
        assert_eq!(answer.body["scan_id"], id);
        model.saw(id, Seen::Ended(End::Complete));
    }
}

/// So many connections with so many scans each, against a service with this store.
async fn check(store: &[&str], connections: usize, scans: usize) {
    // A third of a second: most questions meet a scan that runs, some one that has ended.
    let quick = ["--set", "stage-profile=10ms", "--set", "stage-portfolio=5ms", "--set", "stage-assets=5ms"];
    let quick = [&quick[..], &["--set", "strategy=uniform(20ms,300ms)"], &["--service", "sound", "--workers", "4"]].concat();
    let served = Served::start(&[&quick[..], store].concat());
    let model = Arc::new(Model::default());
    let mut lives = tokio::task::JoinSet::new();
    for number in 0..connections {
        let connection = Connection::open(served.address).await;
        lives.spawn(live(connection, model.clone(), number, scans));
    }
    let mut asked = 0;
    while let Some(ended) = lives.join_next().await {
        asked += ended.unwrap_or_else(|error| panic!("{store:?}: {error}"));
    }
    // Nothing was lost on the way: each scan is there at last, and has an end.
    let scans: Vec<(String, Known)> = std::mem::take(&mut *model.scans.lock().expect("nobody holds it")).into_iter().collect();
    let mut connection = Connection::open(served.address).await;
    for (id, known) in &scans {
        for attempt in 0.. {
            let answer = connection.status(known.owner, id).await;
            if ["complete", "failed"].contains(&answer.word()) {
                break;
            }
            assert_eq!(answer.word(), "scanning", "{id}: {known:?}");
            assert!(attempt < 3_000, "{id} never ends");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
    let peak = served.peak_mib();
    eprintln!("{store:?}: {connections} connections, {} scans, {asked} questions, peak {peak:?} MiB", scans.len());
    // A finished scan is some 5 KiB of text, and twice that while it is written anew.
    let allowed = 100 + scans.len() as u64 * 30 / 1024;
    assert!(peak.is_none_or(|peak| peak < allowed), "{peak:?} MiB for {} scans", scans.len());
}

/// Ten times as many where there is time.
fn times() -> usize {
    if std::env::var_os("STATUSGAP_LONG").is_some() { 10 } else { 1 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_connections_lose_nothing_in_memory() {
    check(&["--store", "memory"], 250, 4 * times()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_connections_lose_nothing_in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    check(&["--store", "embedded", "--data-dir", &folder.path().display().to_string()], 200, times()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_connections_lose_nothing_in_redis() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(redis) = Redis::start(folder.path()).await else { return };
    check(&["--store", &redis.url()], 250, 2 * times()).await;
}
