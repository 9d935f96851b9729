//! What must be found in each configuration: the model that the harness is held to.

use crate::cli::commands::matrix::Seen;
use crate::model::fault::FaultClass::{self, A, B, C, CPrime, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z};
use crate::model::guarantee::Guarantee::{
    self, Agreement, Echo, Honesty, Isolation, MonotonicState, MonotonicVisibility, Promptness, ReadYourWrites,
};
use crate::verdict::Verdict::{self, Fail, Inconclusive, Pass};

/// One configuration of the reference service, and what must be found in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Configuration {
    pub(super) service: &'static str,
    pub(super) workers: usize,
    pub(super) verdict: Verdict,
    /// Causes that the investigation must name.
    pub(super) causes: &'static [FaultClass],
    /// Causes that it may name besides, because the configuration has them, too.
    pub(super) also: &'static [FaultClass],
    /// Guarantees that the shipped scenarios must find broken.
    pub(super) broken: &'static [Guarantee],
    /// Shipped scenarios that must not pass. Where the verdict is "pass", every other one must.
    pub(super) fails: &'static [&'static str],
}

const fn healthy(service: &'static str, workers: usize) -> Configuration {
    Configuration { service, workers, verdict: Pass, causes: &[], also: &[], broken: &[], fails: &[] }
}

const fn faulty(
    service: &'static str,
    workers: usize,
    causes: &'static [FaultClass],
    broken: &'static [Guarantee],
    fails: &'static [&'static str],
) -> Configuration {
    Configuration { service, workers, verdict: Fail, causes, also: &[], broken, fails }
}

impl Configuration {
    const fn also(mut self, also: &'static [FaultClass]) -> Configuration {
        self.also = also;
        self
    }

    /// In what a seed disagrees with the model.
    pub(super) fn disagreements(&self, seen: &Seen) -> Vec<String> {
        let mut told = Vec::new();
        if seen.verdict != self.verdict {
            told.push(format!("the investigation's verdict is {}, and must be {}", seen.verdict.word(), self.verdict.word()));
        }
        told.extend(
            self.causes.iter().filter(|class| !seen.causes.contains(class)).map(|class| format!("{} is not named", class.letter())),
        );
        let foreign = seen.causes.iter().filter(|class| !self.causes.contains(class) && !self.also.contains(class));
        told.extend(foreign.map(|class| format!("{} is named, and is not there", class.letter())));
        let Some(shipped) = &seen.shipped else { return told };
        // A fault that the shipped scenarios are not made to see leaves their verdict open.
        let open = self.verdict == Fail && self.fails.is_empty();
        if !open && shipped.verdict != self.verdict {
            told.push(format!("the shipped scenarios' verdict is {}, and must be {}", shipped.verdict.word(), self.verdict.word()));
        }
        told.extend(
            self.fails
                .iter()
                .filter(|name| !shipped.failed.iter().any(|failed| failed == *name))
                .map(|name| format!("scenario {name} passes")),
        );
        if self.verdict == Pass {
            told.extend(shipped.failed.iter().map(|name| format!("scenario {name} does not pass")));
        }
        told.extend(
            self.broken
                .iter()
                .filter(|guarantee| !shipped.broken.contains(guarantee))
                .map(|guarantee| format!("{} is not found broken", guarantee.name())),
        );
        told
    }
}

const WINDOW: &[&str] = &["concurrent-polls", "completion", "immediate", "zero-delay", "burst", "keep-alive"];
const RYW: &[Guarantee] = &[ReadYourWrites];
const FLAPS: &[Guarantee] = &[ReadYourWrites, MonotonicVisibility];

/// All configurations: the presets, the faults, the recorded history, each with one worker and with four.
pub(super) const CONFIGURATIONS: &[Configuration] = &[
    healthy("sound", 1),
    healthy("sound", 4),
    healthy("slow", 1),
    healthy("slow", 4),
    healthy("queued", 1),
    healthy("queued", 4),
    faulty("deferred", 1, &[A], &[ReadYourWrites, MonotonicState], WINDOW).also(&[O, J]),
    faulty("deferred", 4, &[A, B], FLAPS, WINDOW).also(&[O, J]),
    faulty("placeholder", 1, &[O], &[MonotonicState], &["repeat-request"]).also(&[J]),
    faulty("placeholder", 4, &[B], FLAPS, &["concurrent-polls"]).also(&[O, J]),
    faulty("lifecycle-fallback", 1, &[Q], &[Isolation], &["foreign-user"]).also(&[O, J]),
    faulty("lifecycle-fallback", 4, &[Q], &[Isolation], &["foreign-user"]).also(&[O, J]),
    faulty("shared-cache", 1, &[O], &[MonotonicState], &["repeat-request"]).also(&[J]),
    faulty("shared-cache", 4, &[B, O], FLAPS, &["concurrent-polls"]).also(&[J]),
    faulty("zoo-a", 1, &[A], RYW, WINDOW),
    faulty("zoo-a", 4, &[A], RYW, WINDOW),
    healthy("zoo-b", 1),
    faulty("zoo-b", 4, &[B], FLAPS, &["concurrent-polls"]),
    faulty("zoo-c", 1, &[C], RYW, &["concurrent-polls", "immediate", "zero-delay"]),
    faulty("zoo-c", 4, &[C], RYW, &["concurrent-polls", "immediate", "zero-delay"]),
    faulty("zoo-c-prime", 1, &[CPrime], RYW, &["immediate"]),
    faulty("zoo-c-prime", 4, &[CPrime], RYW, &["immediate"]),
    faulty("zoo-d", 1, &[D], RYW, &["zero-delay"]).also(&[A]),
    faulty("zoo-d", 4, &[D], RYW, &["zero-delay"]).also(&[A]),
    faulty("zoo-e", 1, &[E], RYW, &["burst"]),
    faulty("zoo-e", 4, &[E], RYW, &["burst"]),
    faulty("zoo-f", 1, &[F], &[], &[]),
    faulty("zoo-f", 4, &[F], &[], &[]),
    faulty("zoo-g", 1, &[G], RYW, &["immediate"]),
    faulty("zoo-g", 4, &[G], RYW, &["immediate"]),
    faulty("zoo-h", 1, &[H], &[], &[]),
    faulty("zoo-h", 4, &[H], &[], &[]),
    faulty("zoo-i", 1, &[I], RYW, &["zero-delay"]),
    faulty("zoo-i", 4, &[I], RYW, &["zero-delay"]),
    faulty("zoo-j", 1, &[J], &[Echo], &["immediate"]),
    faulty("zoo-j", 4, &[J], &[Echo], &["immediate"]),
    faulty("zoo-k", 1, &[K], RYW, WINDOW),
    faulty("zoo-k", 4, &[K], RYW, WINDOW),
    faulty("zoo-l", 1, &[L], RYW, &["immediate"]),
    faulty("zoo-l", 4, &[L], RYW, &["immediate"]),
    faulty("zoo-m", 1, &[M], RYW, &["immediate"]),
    faulty("zoo-m", 4, &[M], RYW, &["immediate"]),
    Configuration {
        service: "zoo-n",
        workers: 1,
        verdict: Inconclusive,
        causes: &[N],
        also: &[],
        broken: &[Honesty],
        fails: &["unknown-id"],
    },
    Configuration {
        service: "zoo-n",
        workers: 4,
        verdict: Inconclusive,
        causes: &[N],
        also: &[],
        broken: &[Honesty],
        fails: &["unknown-id"],
    },
    faulty("zoo-o", 1, &[O], &[], &[]),
    faulty("zoo-o", 4, &[O], &[], &[]),
    faulty("zoo-p", 1, &[A, P], &[ReadYourWrites, Promptness], &["immediate", "keep-alive"]),
    faulty("zoo-p", 4, &[A, P], &[ReadYourWrites, Promptness], &["immediate", "keep-alive"]),
    faulty("zoo-q", 1, &[Q], &[Isolation], &["foreign-user"]),
    faulty("zoo-q", 4, &[Q], &[Isolation], &["foreign-user"]),
    faulty("zoo-r", 1, &[R], RYW, WINDOW),
    faulty("zoo-r", 4, &[R], RYW, WINDOW),
    faulty("zoo-s", 1, &[S], &[], &[]),
    faulty("zoo-s", 4, &[S], &[], &[]),
    faulty("zoo-t", 1, &[T], &[], &[]),
    faulty("zoo-t", 4, &[T], &[], &[]),
    faulty("zoo-u", 1, &[U], &[], &[]).also(&[S, T]),
    faulty("zoo-u", 4, &[U], &[], &[]).also(&[S, T]),
    faulty("zoo-v", 1, &[V], &[Agreement], &["completion"]),
    faulty("zoo-v", 4, &[V], &[Agreement], &["completion"]),
    faulty("zoo-w", 1, &[W], FLAPS, &["completion"]),
    faulty("zoo-w", 4, &[W], FLAPS, &["completion"]),
    faulty("zoo-x", 1, &[X], &[], &[]),
    faulty("zoo-x", 4, &[X], &[], &[]),
    faulty("zoo-y", 1, &[Y], &[MonotonicState], &["concurrent-polls"]),
    faulty("zoo-y", 4, &[Y], &[MonotonicState], &["concurrent-polls"]),
    faulty("zoo-z", 1, &[Z], &[], &[]),
    faulty("zoo-z", 4, &[Z], &[], &[]),
    faulty("zoo-c-prime-timers", 1, &[CPrime], RYW, &["immediate"]),
    faulty("zoo-c-prime-timers", 4, &[CPrime], RYW, &["immediate"]),
    faulty("zoo-h-handover", 1, &[H], FLAPS, &["completion"]),
    faulty("zoo-h-handover", 4, &[H], FLAPS, &["completion"]),
    faulty("zoo-m-refused", 1, &[M], RYW, &["immediate"]),
    faulty("zoo-m-refused", 4, &[M], RYW, &["immediate"]),
    faulty("zoo-b-cookie", 4, &[B], FLAPS, &["concurrent-polls"]),
    faulty("zoo-d-before", 1, &[D], &[], &[]),
    faulty("zoo-d-before", 4, &[D], &[], &[]),
    faulty("history-1", 1, &[A], RYW, WINDOW).also(&[O, J]),
    faulty("history-1", 4, &[A, B], FLAPS, WINDOW).also(&[O, J]),
    faulty("history-2", 1, &[A], RYW, WINDOW).also(&[O, J]),
    faulty("history-2", 4, &[A, B, O], FLAPS, WINDOW).also(&[J]),
    faulty("history-3", 1, &[O], &[MonotonicState], &["repeat-request"]).also(&[J]),
    faulty("history-3", 4, &[B, O], FLAPS, &["concurrent-polls"]).also(&[J]),
    faulty("history-4", 1, &[O], &[MonotonicState], &["repeat-request"]).also(&[J]),
    // A worker that gave a scan its label looks no further than its own note of that, and goes on showing what another one has deleted.
    faulty("history-4", 4, &[O], &[MonotonicState], &["completion"]).also(&[J, T]),
];
