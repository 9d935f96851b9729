//! A target that goes away in the middle of a run, for good or for a while.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use statusgap::log::LogWriter;
use statusgap::model::answer::{Answer, TransportFault};
use statusgap::model::exchange::{Exchange, Kind};
use statusgap::model::run::EndReason;
use statusgap::probe::{Clock, Decision, Network, Observation, Probe, Recorder, Transport};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::cases::{Case, Inconclusive, Outcome, Pass, Visible};
use super::wire::{Act, Script, busy, denied, reply, serve};
use crate::support::driven;

/// A control's connection and those of two scans, each with an initiate and two polls.
const BEFORE: usize = 1 + 2 * 3;
const SCANS: u32 = 6;

/// What becomes of the target after its death.
enum After {
    Nothing,
    /// It is back before the probe sends anything after the first request that failed.
    ComesBack,
}

/// Runs against a target that serves so many connections.
async fn run(after: After) -> Outcome {
    // Every job has an id of its own.
    let script = Script::new(|asked| match asked {
        asked if asked.is_initiate() => Act::Say(reply("202 Accepted", "", format!(r#"{{"id":"j-{}"}}"#, asked.nth).as_bytes())),
        asked if asked.is_control() => denied(),
        _ => busy(),
    });
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (back, mut comes_back) = mpsc::unbounded_channel();
    let case = Case::new("dying", script.clone(), Visible, Inconclusive).with_scans(SCANS);
    let serving = tokio::spawn(async move {
        serve(&listener, &script, BEFORE).await;
        drop(listener);
        while let Some(listener) = comes_back.recv().await {
            serve(&listener, &script, usize::MAX).await;
        }
    });

    let base_url = format!("http://{address}");
    let target = Arc::new(driven::target(&case.target(&base_url)));
    let clock = Clock::real().expect("a kernel timer");
    let scenario = driven::scenario(&case.scenario());
    let kept = driven::Kept::default();
    let log = LogWriter::begin(Box::new(kept.clone()), &driven::header(&target, &clock, &scenario, 1)).expect("memory takes a log");
    let back = Mutex::new(matches!(after, After::ComesBack).then_some(back));
    let onward = move |seen: Observation<'_>| {
        if let Observation::Exchange(exchange) = seen
            && exchange.fault.is_some()
            && let Some(back) = back.lock().expect("no panic").take()
        {
            back.send(listen_again(address)).expect("the server waits");
            std::mem::forget(back);
        }
        Decision::Continue
    };
    let network = Transport::Network(Network::new(&base_url).expect("a way"));
    let recorder = Recorder::new(log, target.secrets());
    let probe = Probe::with_decisions(target, network, clock.clone(), recorder, driven::options(1), |_| {}, onward);
    probe.run(std::slice::from_ref(&scenario)).await.expect("it was there at first");
    probe.recorder().end(clock.now(), EndReason::Complete).expect("memory takes a log");
    serving.abort();
    Outcome::of("dying", statusgap::log::read("kept", kept.bytes().as_slice()).expect("a log"))
}

/// The port is free as soon as the old socket is gone, which may be in the middle of it.
fn listen_again(address: SocketAddr) -> TcpListener {
    let listener =
        std::iter::repeat_with(|| std::net::TcpListener::bind(address)).take(100_000).find_map(Result::ok).expect("the same port");
    listener.set_nonblocking(true).expect("a socket");
    TcpListener::from_std(listener).expect("a runtime")
}

fn initiates(outcome: &Outcome) -> Vec<&Exchange> {
    outcome.journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Initiate).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_dies_leaves_what_was_seen_until_then_and_no_verdict() {
    let outcome = run(After::Nothing).await;
    let initiates = initiates(&outcome);
    assert_eq!(initiates.len(), SCANS as usize, "every scan is tried, once");
    assert!(initiates[..2].iter().all(|exchange| exchange.answer == Answer::Accepted));
    // A connection that was queued when the listener went is reset, all later ones are refused.
    assert!(matches!(initiates[2].fault, Some(TransportFault::Connect | TransportFault::Closed)), "{:?}", initiates[2]);
    assert!(initiates[3..].iter().all(|exchange| exchange.fault == Some(TransportFault::Connect)), "{initiates:?}");
    assert!(outcome.journal.exchanges.iter().all(|exchange| exchange.kind != Kind::Poll || exchange.answer == Answer::Visible));
    assert_eq!(outcome.judgement.verdict, Inconclusive, "{:?}", outcome.judgement.reasons);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_comes_back_is_followed_on_without_a_retry() {
    let outcome = run(After::ComesBack).await;
    let initiates = initiates(&outcome);
    let failed = initiates.iter().filter(|exchange| exchange.fault.is_some()).count();
    assert_eq!((initiates.len(), failed), (SCANS as usize, 1), "the one that failed is not sent again: {initiates:?}");
    let seen =
        outcome.journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Poll && exchange.answer == Answer::Visible).count();
    assert_eq!(seen, 2 * (SCANS as usize - 1));
    // One that failed among six is an accident.
    assert_eq!(outcome.judgement.verdict, Pass, "{:?}", outcome.judgement.reasons);
}
