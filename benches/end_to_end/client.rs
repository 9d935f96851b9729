//! The same open load by a client without a harness, as it is written in an afternoon: reqwest with its pool, tokio's timer, one
//! thread. It records nothing; what it sent when is told by the server.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::plain;

/// Asks for so many scans, one each `every`, and polls each of them once, 100 ms after its id came.
pub async fn run(base_url: &str, scans: u32, every: Duration) {
    let client = plain::client().build().expect("a client");
    let begin = Instant::now();
    let mut under_way = JoinSet::new();
    for scan in 0..scans {
        tokio::time::sleep_until(begin + every * scan).await;
        under_way.spawn(ask_and_poll(client.clone(), base_url.to_owned()));
    }
    while let Some(scan) = under_way.join_next().await {
        scan.expect("a scan that was answered");
    }
}

async fn ask_and_poll(client: reqwest::Client, base_url: String) {
    let asked = client.post(format!("{base_url}/jobs")).body("{}").send().await.expect("an answer");
    let answer = asked.bytes().await.expect("a body");
    let known = Instant::now();
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
    let id = answer["id"].as_str().expect("an id");
    tokio::time::sleep_until(known + Duration::from_millis(100)).await;
    client.get(format!("{base_url}/jobs/{id}")).send().await.expect("an answer").bytes().await.expect("a body");
}
