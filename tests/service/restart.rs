//! The `sound` service is killed or stopped in the midst of its work and started again: what it had accepted ends as failed or
//! complete, and is denied by no answer in between.

use crate::support::served;

use std::time::Duration;

use served::{Connection, Redis, Served};

/// How the service ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// `kill -9`: nobody is told anything.
    Killed,
    /// SIGTERM.
    Asked,
}

/// Some scans run at the end of the first process, some have ended by then.
const WORK: [&str; 10] = [
    "--service",
    "sound",
    "--workers",
    "2",
    "--set",
    "strategy=uniform(200ms,900ms)",
    "--set",
    "stage-profile=10ms",
    "--set",
    "stage-portfolio=10ms",
];

/// As `WORK`, and a process that is gone is noticed within a second.
fn arguments<'a>(store: &[&'a str]) -> Vec<&'a str> {
    [&WORK[..], &["--set", "stage-assets=10ms", "--set", "lease=1s"], store].concat()
}

async fn check(store: &[&str], ends: Ends) {
    let mut first = Served::start(&arguments(store));
    let mut connection = Connection::open(first.address).await;
    let mut early = Vec::new();
    for number in 0..10 {
        early.push(accepted(&mut connection, &format!("EARLY{number}")).await);
    }
    // One of the early ones has ended: the process ends in the midst of its work, whatever this machine is busy with.
    let mut ended = None;
    while ended.is_none() {
        for id in &early {
            let answer = connection.status("alice", id).await;
            ended = (answer.word() == "complete").then(|| id.clone()).or(ended);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut late = Vec::new();
    for number in 0..20 {
        late.push(accepted(&mut connection, &format!("LATE{number}")).await);
    }
    match ends {
        Ends::Killed => first.kill(),
        Ends::Asked => assert_eq!(first.terminate(), Some(0)),
    }

    let second = Served::start(&arguments(store));
    let mut connection = Connection::open(second.address).await;
    for id in early.iter().chain(&late) {
        let mut waited = 0;
        loop {
            let answer = connection.status("alice", id).await;
            match answer.word() {
                "complete" | "failed" => break,
                "scanning" => {}
                word => panic!("{store:?}, {ends:?}: {id} is {word}: {answer:?}"),
            }
            // The lease is a second; the bound is for one that never ends.
            assert!(waited < 3_000, "{id} runs for ever");
            waited += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let ended = ended.expect("one had ended");
    assert_eq!(connection.status("alice", &ended).await.word(), "complete", "what had ended is kept");
    assert_eq!(connection.status("mallory", &ended).await.word(), "not_found", "and still its owner's alone");
    assert_eq!(connection.status("alice", "scan_00000000000000000000000000000000").await.word(), "not_found");
    let answer = connection.discover("alice", "LATE0").await;
    assert_eq!(answer.word(), "initiated", "the same can be asked for again: {answer:?}");
}

async fn accepted(connection: &mut Connection, symbol: &str) -> String {
    let answer = connection.discover("alice", symbol).await;
    assert_eq!(answer.word(), "initiated", "{answer:?}");
    answer.body["scan_id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn accepted_scans_survive_a_restart_with_the_embedded_store() {
    for ends in [Ends::Killed, Ends::Asked] {
        let folder = tempfile::tempdir().expect("a folder");
        check(&["--store", "embedded", "--data-dir", &folder.path().display().to_string()], ends).await;
    }
}

#[tokio::test]
async fn accepted_scans_survive_a_restart_with_redis() {
    for ends in [Ends::Killed, Ends::Asked] {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(redis) = Redis::start(folder.path()).await else { return };
        check(&["--store", &redis.url()], ends).await;
    }
}
