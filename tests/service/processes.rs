//! Several processes of the `sound` service on one port and one Redis are one service.

use crate::support::served;

use std::net::SocketAddr;

use served::{Connection, Redis, Served};

const SCANS: usize = 40;

/// The system deals connections to processes by their addresses: so many never go all to one.
const ASKED: usize = 4;

async fn ask_for_all(address: SocketAddr, ids: &[String], known: &[&str]) {
    for id in ids {
        for _ in 0..ASKED {
            let answer = Connection::open(address).await.status("alice", id).await;
            assert!(known.contains(&answer.word()), "{id}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn whichever_process_is_asked_knows_what_another_has_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(redis) = Redis::start(folder.path()).await else { return };
    let url = redis.url();
    let arguments = ["--service", "sound", "--store", &url, "--reuse-port", "--set", "lease=1s"];
    let mut first = Served::start(&arguments);
    let second = first.start_beside(&arguments);
    assert_eq!(first.address, second.address);
    let mut ids = Vec::new();
    for number in 0..SCANS {
        let answer = Connection::open(first.address).await.discover("alice", &format!("S{number}")).await;
        assert_eq!(answer.word(), "initiated", "{answer:?}");
        ids.push(answer.body["scan_id"].as_str().expect("an id").to_owned());
    }
    ask_for_all(first.address, &ids, &["scanning", "complete"]).await;
    // What the first process had accepted is known without it.
    assert_eq!(first.terminate(), Some(0));
    ask_for_all(second.address, &ids, &["scanning", "complete", "failed"]).await;
}
