//! Healthy services, and faults whose size is a share or that have none: J to N, P and Q.

use std::time::Duration;

use crate::model::fault::FaultClass::{A, J, K, L, M, N, P, Q};
use crate::run::sweep::cases::Case;
use crate::run::sweep::cases::instances::{POLICIES, ROUTINGS, WORKERS};
use crate::run::sweep::reach::Reach;
use crate::run::sweep::sizes::Sizes;

/// Services that are slow, loaded or many, and right.
pub(super) fn healthy(sizes: &mut Sizes) -> Vec<Case> {
    let mut cases = vec![Case::healthy()];
    for workers in WORKERS {
        for (routing, policy) in ROUTINGS.into_iter().zip(POLICIES) {
            cases.push(Case::healthy().set("workers", workers).set("routing", routing).set("policy", policy));
        }
    }
    for latency in ["20ms", "exp(50ms)", "uniform(100ms,400ms)", "lognormal(80ms,1)"] {
        cases.push(Case::healthy().set("status-latency", latency).set("running-code", 202));
    }
    for (slots, ms) in [(1, 50.0), (1, 1000.0), (4, 300.0)] {
        cases.push(Case::healthy().set("queue-record", "at-accept").set("queue-slots", slots).set_time("queue-hold", sizes.time(ms)));
    }
    for (strategy, assets) in [("50ms", "10ms"), ("uniform(5s,20s)", "900ms"), ("exp(2s)", "exp(500ms)")] {
        cases.push(Case::healthy().set("strategy", strategy).set("stage-assets", assets));
    }
    cases.push(Case::healthy().set("crash-stage", "strategies").set("crash-rate", sizes.share(0.2)));
    cases
}

/// The share of scans that a fault touches.
const SHARES: [f64; 6] = [0.02, 0.05, 0.1, 0.3, 0.6, 1.0];

pub(super) fn faulty(sizes: &mut Sizes) -> Vec<Case> {
    let mut cases = Vec::new();
    for share in SHARES.map(|share| sizes.share(share)) {
        cases.push(Case::one(K).set("remote-region-share", share).reaches(Reach::Scans(share, Duration::MAX), Duration::MAX));
    }
    for share in SHARES.map(|share| sizes.share(share)) {
        let case = Case::one(L).set("path-decoding", "eager").set("special-id-share", share);
        cases.push(case.reaches(Reach::Scans(share, Duration::MAX), Duration::MAX));
    }
    for share in SHARES.map(|share| sizes.share(share)) {
        cases.push(Case::one(M).set("lost-task-rate", share).reaches(Reach::Scans(share, Duration::MAX), Duration::MAX));
    }
    for share in [0.05, 0.3, 1.0].map(|share| sizes.share(share)) {
        cases.push(Case::one(M).set("refused-rate", share).reaches(Reach::Scans(share, Duration::MAX), Duration::MAX));
    }
    for workers in [1, 8] {
        cases.push(Case::one(J).set("resolve", "latest").set("workers", workers));
        cases.push(Case::one(N).set("unknown-as-pending", "on").set("workers", workers));
        cases.push(Case::one(Q).set("owner-check", "off").set("workers", workers));
    }
    for ms in [100.0, 500.0, 2000.0, 6000.0] {
        let delay = sizes.time(ms);
        // The connection is read again when the first phase has ended, 0.4 s after the scan is recorded.
        let case = Case::one(P).also(&[A]).set("hold-connection", "on").set_time("registration-delay", delay);
        cases.push(case.reaches(Reach::Always, delay));
    }
    cases
}
