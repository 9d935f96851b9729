//! How well a cause is supported once its twin and its rivals' were run.

use std::collections::BTreeSet;

use crate::analysis::diagnosis::{Cause, Diagnosis, Strength};
use crate::analysis::twin::{Candidate, Twin};
use crate::model::fault::FaultClass;

/// A cause is strong if its twin fits and those of its rivals do not; what its twin does not explain weakens it, and so does a rival that
/// explains as much.
pub(super) fn weigh(twin: &Twin, diagnosis: &mut Diagnosis) {
    if !twin.answer.was_run() {
        return;
    }
    let classes = |candidates: &mut dyn Iterator<Item = &Candidate>| -> BTreeSet<FaultClass> {
        candidates.flat_map(|candidate| candidate.classes.iter().copied()).collect()
    };
    let fitting = classes(&mut twin.fitting());
    let tried = classes(&mut twin.candidates.iter());
    let named: BTreeSet<FaultClass> = diagnosis.causes.iter().map(|cause| cause.class).collect();
    let rivals: Vec<FaultClass> = fitting.iter().copied().filter(|class| !named.contains(class)).collect();
    for cause in diagnosis.causes.iter_mut().filter(|cause| tried.contains(&cause.class)) {
        weigh_one(cause, &fitting, &tried, &rivals);
    }
    diagnosis.causes.sort_by_key(|cause| std::cmp::Reverse(cause.strength));
}

fn weigh_one(cause: &mut Cause, fitting: &BTreeSet<FaultClass>, tried: &BTreeSet<FaultClass>, rivals: &[FaultClass]) {
    if !fitting.contains(&cause.class) {
        // What else it may be stays as it was: a twin that does not fit may differ in what the class does not determine.
        cause.strength = cause.strength.min(Strength::Moderate);
        return;
    }
    let had_rivals = !cause.or.is_empty();
    cause.or.retain(|class| fitting.contains(class) || !tried.contains(class));
    let new: Vec<FaultClass> = rivals.iter().copied().filter(|class| !cause.or.contains(class)).collect();
    if !new.is_empty() {
        cause.strength = cause.strength.min(Strength::Moderate);
    } else if had_rivals && cause.or.is_empty() {
        cause.strength = Strength::Strong;
    }
}
