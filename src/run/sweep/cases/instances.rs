//! Workers that share nothing: B, with 2 to 32 of them and all ways to choose one.

use std::time::Duration;

use crate::model::fault::FaultClass::B;
use crate::run::sweep::cases::Case;
use crate::run::sweep::reach::Reach;
use crate::run::sweep::sizes::Sizes;

pub(super) const WORKERS: [u32; 6] = [2, 3, 4, 8, 16, 32];
pub(super) const ROUTINGS: [&str; 2] = ["per-connection", "per-request"];
pub(super) const POLICIES: [&str; 2] = ["round-robin", "random"];

pub(super) fn cases(_: &mut Sizes) -> Vec<Case> {
    let mut cases = Vec::new();
    for workers in WORKERS {
        for routing in ROUTINGS {
            for policy in POLICIES {
                let case = Case::one(B).set("read-path", "memory").set("workers", workers).set("routing", routing).set("policy", policy);
                let denied = 1.0 - 1.0 / f64::from(workers);
                cases.push(case.reaches(Reach::Polls(denied, Duration::MAX), Duration::MAX));
            }
        }
    }
    // Behind a balancer that hands out a cookie, for clients that keep none.
    for workers in [2, 4, 16] {
        let case = Case::one(B).set("read-path", "memory").set("workers", workers).set("routing", "per-request").set("affinity", "cookie");
        cases.push(case.reaches(Reach::Polls(1.0 - 1.0 / f64::from(workers), Duration::MAX), Duration::MAX));
    }
    cases
}
