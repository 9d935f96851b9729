//! Two faults at once.

use crate::model::fault::FaultClass::{self, A, B, C, CPrime, D, E, F, G, H, I, K, L, M, O, Q};
use crate::run::sweep::cases::Case;
use crate::run::sweep::sizes::Sizes;

/// One fault of a pair: its class, and its knobs with sizes in milliseconds, shares, or words.
struct Half {
    class: FaultClass,
    knobs: &'static [(&'static str, Size)],
}

/// The size of a knob in a pair.
#[derive(Clone, Copy)]
enum Size {
    Time(f64),
    Share(f64),
    Word(&'static str),
}

use Size::{Share, Time, Word};

const LATE: Half = Half { class: A, knobs: &[("registration-delay", Time(500.0))] };
const MEMORY: Half = Half { class: B, knobs: &[("read-path", Word("memory")), ("workers", Word("4"))] };
const LAG: Half = Half { class: C, knobs: &[("replica-lag", Time(400.0))] };
const MIXED: Half = Half { class: CPrime, knobs: &[("replica-lag", Time(400.0)), ("replica-share", Share(0.5))] };
const CACHED: Half = Half { class: D, knobs: &[("negative-cache-ttl", Time(4000.0)), ("registration-delay", Time(60.0))] };
const QUEUE: Half = Half { class: E, knobs: &[("queue-slots", Word("1")), ("queue-hold", Time(300.0))] };
const EVICTED: Half = Half { class: F, knobs: &[("evict", Word("ttl")), ("evict-after", Time(1000.0))] };
const INDEX: Half = Half { class: G, knobs: &[("index-period", Time(1000.0))] };
const HOLES: Half = Half { class: H, knobs: &[("replace-gap", Time(50.0))] };
const COMMIT: Half = Half { class: I, knobs: &[("commit-delay", Time(6.0)), ("commit-share", Share(0.5))] };
const SCOPE: Half = Half { class: K, knobs: &[("remote-region-share", Share(0.3))] };
const IDS: Half = Half { class: L, knobs: &[("special-id-share", Share(0.4)), ("path-decoding", Word("eager"))] };
const LOST: Half = Half { class: M, knobs: &[("lost-task-rate", Share(0.2))] };
const STALE: Half = Half { class: O, knobs: &[("ttl-full", Time(1000.0)), ("fallback", Word("lifecycle-owner"))] };
const OPEN_TO_ALL: Half = Half { class: Q, knobs: &[("owner-check", Word("off"))] };

const PAIRS: &[(&Half, &Half)] = &[
    (&LATE, &MEMORY),
    (&LATE, &EVICTED),
    (&LATE, &SCOPE),
    (&LATE, &IDS),
    (&LATE, &LOST),
    (&LATE, &OPEN_TO_ALL),
    (&MEMORY, &EVICTED),
    (&MEMORY, &OPEN_TO_ALL),
    (&LAG, &EVICTED),
    (&LAG, &LOST),
    (&LAG, &OPEN_TO_ALL),
    (&LAG, &STALE),
    (&MIXED, &EVICTED),
    (&MIXED, &LOST),
    (&CACHED, &EVICTED),
    (&CACHED, &OPEN_TO_ALL),
    (&QUEUE, &EVICTED),
    (&QUEUE, &LOST),
    (&QUEUE, &OPEN_TO_ALL),
    (&INDEX, &EVICTED),
    (&INDEX, &LOST),
    (&HOLES, &LATE),
    (&HOLES, &OPEN_TO_ALL),
    (&COMMIT, &EVICTED),
    (&COMMIT, &LOST),
    (&COMMIT, &OPEN_TO_ALL),
    (&SCOPE, &OPEN_TO_ALL),
    (&LOST, &OPEN_TO_ALL),
    (&LOST, &EVICTED),
];

pub(super) fn cases(sizes: &mut Sizes) -> Vec<Case> {
    let mut cases = Vec::new();
    for (one, other) in PAIRS {
        let case = one.knobs.iter().chain(other.knobs).fold(Case::two(one.class, other.class), |case, (knob, size)| match *size {
            Time(ms) => case.set_time(knob, sizes.time(ms)),
            Share(share) => case.set(knob, sizes.share(share)),
            Word(word) => case.set(knob, word),
        });
        // What a kept denial needs is a short window under it.
        cases.push(if one.class == D { case.also(&[A, I]) } else { case });
    }
    cases
}
