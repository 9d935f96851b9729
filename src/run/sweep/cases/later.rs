//! Grants, changes, deletions, results and details that arrive late, kept answers, and what a first word is worth: R to Z.

use std::time::Duration;

use crate::model::fault::FaultClass::{R, S, T, U, V, W, X, Y, Z};
use crate::run::sweep::cases::Case;
use crate::run::sweep::law::{SPREAD, Shape};
use crate::run::sweep::reach::Reach;
use crate::run::sweep::sizes::Sizes;

/// From an acknowledgement to the earliest look that can follow it: the virtual network takes 1 ms each way.
const ROUND_TRIP: Duration = Duration::from_millis(2);

/// Lags in milliseconds: fixed ones, and one under each other law.
fn lags() -> impl Iterator<Item = (Shape, f64)> {
    let fixed = [5.0, 30.0, 150.0, 600.0, 3000.0, 10_000.0].map(|ms| (Shape::Fixed, ms));
    fixed.into_iter().chain(SPREAD.map(|shape| (shape, 400.0)))
}

pub(super) fn cases(sizes: &mut Sizes) -> Vec<Case> {
    let mut cases = Vec::new();
    for (shape, ms) in lags() {
        let lag = sizes.time(ms);
        cases.push(Case::one(R).set("grant-lag", shape.of(lag)).reaches(Reach::Scans(shape.exceeds(lag, ROUND_TRIP), lag), lag));
    }
    for share in [0.1, 0.5] {
        let (share, lag) = (sizes.share(share), sizes.time(1000.0));
        let case = Case::one(R).set_time("grant-lag", lag).set("grant-share", share);
        cases.push(case.reaches(Reach::Polls(share, lag), lag));
    }
    for (class, knob) in [(S, "update-lag"), (T, "delete-lag")] {
        for (shape, ms) in lags() {
            let lag = sizes.time(ms);
            cases.push(Case::one(class).set(knob, shape.of(lag)).reaches(Reach::Writes(shape.exceeds(lag, ROUND_TRIP), lag), lag));
        }
        for share in [0.1, 0.5] {
            let (share, lag) = (sizes.share(share), sizes.time(1000.0));
            let case = Case::one(class).set_time(knob, lag).set("change-share", share);
            cases.push(case.reaches(Reach::Writes(share, lag), lag));
        }
    }
    for ms in [200.0, 1000.0, 5000.0, 30_000.0] {
        let kept = sizes.time(ms);
        // Two looks at one scan within that time, before and after it changed, show it. A kept answer hides later writes as well.
        cases.push(Case::one(U).also(&[S, T]).set_time("positive-cache-ttl", kept).reaches(Reach::Always, kept));
    }
    for (shape, ms) in lags() {
        let lag = sizes.time(ms);
        cases.push(Case::one(V).set("result-lag", shape.of(lag)).reaches(Reach::Results(shape.exceeds(lag, ROUND_TRIP), lag), lag));
    }
    for workers in [1, 8] {
        cases.push(Case::one(W).set("consume-on-read", "on").set("workers", workers).reaches(Reach::Always, Duration::MAX));
    }
    for (shape, ms) in lags() {
        let lag = sizes.time(ms);
        cases.push(Case::one(X).set("detail-lag", shape.of(lag)).reaches(Reach::Scans(shape.exceeds(lag, ROUND_TRIP), lag), lag));
    }
    for word in ["complete", "failed"] {
        for ms in [1.0, 100.0, 900.0, 8000.0] {
            // Profile and portfolio take 1.1 s more in any case.
            let assets = sizes.time(ms);
            let case = Case::one(Y).set("unset-state", word).set_time("stage-assets", assets);
            cases.push(case.reaches(Reach::Always, assets + Duration::from_millis(1100)));
        }
    }
    for (latency, timeout) in [(150.0, 300.0), (500.0, 300.0), (20.0, 80.0)] {
        let (latency, timeout) = (sizes.time(latency), sizes.time(timeout));
        let case = Case::one(Z).set("initiate-latency", Shape::Exponential.of(latency)).set_time("gateway-timeout", timeout);
        cases.push(case.reaches(Reach::Initiates(Shape::Exponential.exceeds(latency, timeout)), Duration::MAX));
    }
    cases
}
