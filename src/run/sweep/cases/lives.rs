//! What becomes of a scan that was visible: early evictions (F), holes (H), older states (O).

use std::time::Duration;

use crate::model::fault::FaultClass::{F, H, O};
use crate::run::sweep::cases::Case;
use crate::run::sweep::law::Shape;
use crate::run::sweep::reach::Reach;
use crate::run::sweep::sizes::Sizes;

pub(super) fn cases(sizes: &mut Sizes) -> Vec<Case> {
    let mut cases = evictions(sizes);
    cases.extend(holes(sizes));
    for ms in [50.0, 200.0, 1000.0, 5000.0, 20_000.0] {
        let life = sizes.time(ms);
        let case = Case::one(O).set("fallback", "lifecycle-owner").set_time("ttl-full", life);
        cases.push(case.reaches(Reach::AfterEnd(life), Duration::MAX));
    }
    cases
}

fn evictions(sizes: &mut Sizes) -> Vec<Case> {
    let mut cases = Vec::new();
    for ms in [50.0, 200.0, 1000.0, 5000.0, 20_000.0, 60_000.0] {
        let age = sizes.time(ms);
        let case = Case::one(F).set("evict", "ttl").set_time("evict-after", age);
        cases.push(case.reaches(Reach::AfterEnd(age), Duration::MAX));
    }
    cases.push(Case::one(F).set("evict", "on-completion").reaches(Reach::Always, Duration::MAX));
    for keep in [1, 3, 10, 30] {
        let case = Case::one(F).set("evict", "keep-last").set("evict-keep", keep);
        cases.push(case.reaches(Reach::Ended(keep), Duration::MAX));
    }
    for ms in [200.0, 1000.0, 5000.0, 20_000.0] {
        let idle = sizes.time(ms);
        let case = Case::one(F).set("evict", "idle").set_time("evict-after", idle);
        cases.push(case.reaches(Reach::Unasked(idle), Duration::MAX));
    }
    cases
}

/// A scan writes 16 records in about 6 s: each takes the former one out first.
fn holes(sizes: &mut Sizes) -> Vec<Case> {
    let shapes = [Shape::Uniform, Shape::Exponential];
    let fixed = [1.0, 5.0, 25.0, 100.0, 400.0, 1000.0].map(|ms| (Shape::Fixed, ms));
    let mut cases = Vec::new();
    for (shape, ms) in fixed.into_iter().chain(shapes.map(|shape| (shape, 30.0))) {
        let gap = sizes.time(ms);
        let share = (16.0 * gap.as_secs_f64() / 6.0).min(0.9);
        let case = Case::one(H).set("replace-gap", shape.of(gap)).reaches(Reach::MidLife(share), gap);
        cases.push(case);
    }
    // A handover between two stores, at a change of state.
    for at in ["start", "end"] {
        for ms in [60.0, 500.0, 2000.0] {
            let gap = sizes.time(ms);
            let case = Case::one(H).set_time("handover-gap", gap).set("handover-at", at);
            cases.push(case.reaches(Reach::MidLife((gap.as_secs_f64() / 6.0).min(0.9)), gap));
        }
    }
    cases
}
