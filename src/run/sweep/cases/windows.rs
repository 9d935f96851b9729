//! Windows at the start: A, C, C′, D, E, G and I, from 1 ms to a minute and under four laws.

use std::time::Duration;

use crate::analysis::diagnosis::COMMIT_MS;
use crate::model::fault::FaultClass::{A, C, CPrime, D, E, G, I};
use crate::run::sweep::cases::Case;
use crate::run::sweep::law::{SPREAD, Shape};
use crate::run::sweep::reach::Reach;
use crate::run::sweep::sizes::Sizes;

/// Sizes of fixed delays, in milliseconds.
const FIXED_MS: [f64; 12] = [1.0, 3.0, 10.0, 25.0, 60.0, 150.0, 400.0, 1000.0, 3000.0, 8000.0, 20_000.0, 60_000.0];

/// Sizes of delays under the other laws.
const SPREAD_MS: [f64; 5] = [5.0, 30.0, 200.0, 1000.0, 5000.0];

/// From the instant at which the service knows a scan to the earliest that a poll can ask for it, and the same for a second write. The
/// virtual network takes 1 ms each way.
const ROUND_TRIP: Duration = Duration::from_millis(2);

/// A record that is committed so late and one that is written so late are absent for the same time, and nothing else of them reaches a client:
/// which of the two it is called is a convention, and the diagnosis says up to which age it keeps both.
const LATE_COMMIT: Duration = Duration::from_millis(COMMIT_MS as u64);

pub(super) fn cases(sizes: &mut Sizes) -> Vec<Case> {
    let mut cases = Vec::new();
    for (shape, ms) in delays() {
        let size = sizes.time(ms);
        let alike = if shape.exceeds(size, LATE_COMMIT) < 0.05 { &[I][..] } else { &[] };
        cases.push(window(Case::one(A).alike(alike), "registration-delay", shape, size));
    }
    for (shape, ms) in delays() {
        let size = sizes.time(ms);
        // Within a round trip the second write's lag does not show either.
        let alike = if shape.exceeds(size, ROUND_TRIP * 2) < 0.05 { &[A, I][..] } else { &[] };
        cases.push(window(Case::one(C).alike(alike), "replica-lag", shape, size));
    }
    cases.extend(mixed_reads(sizes));
    cases.extend(negative_caches(sizes));
    cases.extend(queues(sizes));
    cases.extend(indexes(sizes));
    cases.extend(commits(sizes));
    cases
}

/// Shapes and sizes of delays.
fn delays() -> impl Iterator<Item = (Shape, f64)> {
    let fixed = FIXED_MS.into_iter().map(|ms| (Shape::Fixed, ms));
    fixed.chain(SPREAD.into_iter().flat_map(|shape| SPREAD_MS.into_iter().map(move |ms| (shape, ms))))
}

/// A delay that shows in all scans that are polled before it is over.
fn window(case: Case, knob: &'static str, shape: Shape, size: Duration) -> Case {
    case.set(knob, shape.of(size)).reaches(Reach::Scans(shape.exceeds(size, ROUND_TRIP), size), size)
}

fn mixed_reads(sizes: &mut Sizes) -> Vec<Case> {
    let mut cases = Vec::new();
    let shares = [0.02, 0.05, 0.1, 0.3, 0.5, 0.8, 0.95];
    let fixed = shares.into_iter().flat_map(|share| [10.0, 100.0, 1000.0, 10_000.0].map(|ms| (share, Shape::Fixed, ms)));
    let spread = SPREAD.into_iter().flat_map(|shape| [(0.1, shape, 300.0), (0.5, shape, 300.0), (0.5, shape, 3000.0)]);
    for (share, shape, ms) in fixed.chain(spread) {
        let (share, size) = (sizes.share(share), sizes.time(ms));
        let case = Case::one(CPrime).set("replica-lag", shape.of(size)).set("replica-share", share);
        cases.push(case.reaches(Reach::Polls(share * shape.exceeds(size, ROUND_TRIP), size), size));
    }
    // A timer for each replica.
    for (copies, ms) in [(2, 300.0), (2, 3000.0), (3, 1000.0), (5, 1000.0)] {
        let period = sizes.time(ms);
        let case = Case::one(CPrime).set("index-copies", copies).set_time("index-period", period);
        cases.push(case.reaches(Reach::Polls(0.5, period), period / 2));
    }
    cases
}

fn negative_caches(sizes: &mut Sizes) -> Vec<Case> {
    let mut cases = Vec::new();
    for ttl in [50.0, 500.0, 5000.0, 30_000.0] {
        for delay in [5.0, 60.0, 400.0] {
            let (ttl, delay) = (sizes.time(ttl), sizes.time(delay));
            let case = Case::one(D).also(&[A, I]).set_time("negative-cache-ttl", ttl).set_time("registration-delay", delay);
            // It is filled only by a poll within the delay, which every scan offers.
            let case = case.reaches(Reach::Scans(1.0, delay), ttl.max(delay));
            // A denial that is kept for no longer than the delay lasts anyway adds next to nothing to it.
            cases.push(if ttl < delay * 2 { case.alike(&[A, I]) } else { case });
        }
    }
    // Filled by a question that came before any scan: the control's.
    for ttl in [1000.0, 5000.0, 20_000.0] {
        let ttl = sizes.time(ttl);
        let case = Case::one(D).set("negative-cache-key", "user").set_time("negative-cache-ttl", ttl);
        cases.push(case.reaches(Reach::Always, ttl));
    }
    cases
}

fn queues(sizes: &mut Sizes) -> Vec<Case> {
    let mut cases = Vec::new();
    let fixed = [1, 2, 4, 8].into_iter().flat_map(|slots| [50.0, 300.0, 1000.0, 3000.0, 5000.0].map(|ms| (slots, Shape::Fixed, ms)));
    let spread = SPREAD.into_iter().flat_map(|shape| [(1, shape, 300.0), (4, shape, 1000.0)]);
    for (slots, shape, ms) in fixed.chain(spread) {
        let hold = sizes.time(ms);
        cases.push(Case::one(E).set("queue-slots", slots).set("queue-hold", shape.of(hold)).reaches(Reach::Always, hold));
    }
    cases
}

fn indexes(sizes: &mut Sizes) -> Vec<Case> {
    let mut cases = Vec::new();
    for ms in [5.0, 20.0, 50.0, 100.0, 300.0, 1000.0, 3000.0, 8000.0, 20_000.0] {
        let period = sizes.time(ms);
        // Of a period of a few round trips no phase is left in what a poll can tell.
        let alike = if period < ROUND_TRIP * 5 { &[A, C, I][..] } else { &[] };
        // A write waits for half of a period in the middle.
        let share = Shape::Uniform.exceeds(period / 2, ROUND_TRIP);
        let case = Case::one(G).alike(alike).set_time("index-period", period);
        cases.push(case.reaches(Reach::Scans(share, period / 2), period / 2));
    }
    cases
}

fn commits(sizes: &mut Sizes) -> Vec<Case> {
    let mut cases = Vec::new();
    let laws = [(Shape::Fixed, 3.0), (Shape::Fixed, 10.0), (Shape::Uniform, 5.0), (Shape::Exponential, 5.0), (Shape::LogNormal, 5.0)];
    for share in [0.05, 0.2, 0.5, 1.0] {
        for (shape, ms) in laws {
            let (share, size) = (sizes.share(share), sizes.time(ms));
            // A registration that is late by a few milliseconds, in some scans, is the same to see and to cure.
            let case = Case::one(I).alike(&[A]).set("commit-delay", shape.of(size)).set("commit-share", share);
            cases.push(case.reaches(Reach::Scans(share * shape.exceeds(size, ROUND_TRIP), size), size));
        }
    }
    cases
}
