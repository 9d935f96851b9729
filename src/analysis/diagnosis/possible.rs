//! Which classes an answer leaves possible: those that it names, and those that stand in what it leaves open.

use std::collections::BTreeSet;

use crate::analysis::diagnosis::{Diagnosis, OpenQuestion};
use crate::model::fault::FaultClass::{self, A, B, C, CPrime, E, F, G, H, I, L, M, O, P, R, W, Y, Z};

impl Diagnosis {
    /// The classes that are named, alone or as one of several, or that a pattern or an open question mentions.
    pub fn possible(&self) -> BTreeSet<FaultClass> {
        let named = self.causes.iter().flat_map(|cause| std::iter::once(cause.class).chain(cause.or.iter().copied()));
        let patterns = self.patterns.iter().flat_map(|pattern| pattern.possible().iter().copied());
        let open = self.open.iter().flat_map(|question| question.classes().iter().copied());
        named.chain(patterns).chain(open).collect()
    }
}

impl OpenQuestion {
    /// The classes that the question does not tell apart.
    pub fn classes(&self) -> &[FaultClass] {
        match self {
            OpenQuestion::NotAsked { classes, .. } => classes,
            OpenQuestion::OnlyUsedConnections | OpenQuestion::Changed { .. } => &[],
            OpenQuestion::FailedUnseen { .. } => &[Z],
            OpenQuestion::HeldOrSlow => &[P],
            OpenQuestion::StaleOrDefault => &[O, Y],
            OpenQuestion::StaleOrRetried | OpenQuestion::StaleOrAccident => &[O],
            OpenQuestion::StaleOrMixedReads => &[O, CPrime],
            OpenQuestion::EvictedOrHole => &[F, H],
            OpenQuestion::RefusedOrUnknown => &[R],
            OpenQuestion::HoleOrDisturbance { .. } => &[H],
            OpenQuestion::MemoryOrChange { .. } | OpenQuestion::MemoryOrChance { .. } => &[B],
            OpenQuestion::MixedReadsOrHole => &[CPrime, H],
            OpenQuestion::EvictedOrLostAtOnce => &[F],
            OpenQuestion::EvictedOrReadOnce => &[F, W],
            OpenQuestion::MemoryOrEvicted => &[B, CPrime, F],
            OpenQuestion::LostOrIds => &[L, M],
            OpenQuestion::QueueOrDelay | OpenQuestion::DelayOrQueue => &[A, E],
            OpenQuestion::CommitOrDelay { .. } | OpenQuestion::CommitOrDelayInAll => &[A, I],
            OpenQuestion::LateOrLagging { .. } => &[A, C, CPrime, I],
            OpenQuestion::DelayOrRefresh => &[A, G],
            OpenQuestion::GrowthNotAsked => &[E],
            OpenQuestion::LagOrRefresh => &[C, G],
            OpenQuestion::DelayOrLag { .. } | OpenQuestion::NoSecondWrite => &[A, C],
            OpenQuestion::DelayOrMixedReads => &[A, CPrime],
        }
    }
}
