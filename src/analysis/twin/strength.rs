//! How well a cause is supported once its twin and its rivals' were run.

use std::collections::BTreeSet;

use crate::analysis::diagnosis::{Cause, Diagnosis, Fact, Strength};
use crate::analysis::twin::{Answer, Candidate, Twin};
use crate::model::fault::FaultClass;

/// A cause is strong if its twin fits and those of its rivals do not; what its twin does not explain weakens it, and so does a rival that
/// explains as much. Where one candidate alone explains the log, it is what is named.
pub(super) fn weigh(twin: &Twin, diagnosis: &mut Diagnosis) {
    if !twin.answer.was_run() {
        return;
    }
    let classes = |candidates: &mut dyn Iterator<Item = &Candidate>| -> BTreeSet<FaultClass> {
        candidates.flat_map(|candidate| candidate.classes.iter().copied()).collect()
    };
    // Pairs are left out: what is wrong with one of two causes says nothing of the other.
    let alone = || twin.candidates.iter().filter(|candidate| candidate.classes.len() == 1);
    let standing = Standing {
        fitting: classes(&mut twin.fitting()),
        tried: classes(&mut twin.candidates.iter()),
        excluded: classes(&mut alone().filter(|candidate| candidate.is_excluded())),
        ruled_out: diagnosis.ruled_out.iter().map(|out| out.class).collect(),
    };
    if let (Answer::OneFits, Some(best)) = (twin.answer, twin.fitting().next()) {
        name(best, &standing, diagnosis);
    }
    let named: BTreeSet<FaultClass> = diagnosis.causes.iter().map(|cause| cause.class).collect();
    let rivals: Vec<FaultClass> =
        standing.fitting.iter().copied().filter(|class| !named.contains(class) && !standing.ruled_out.contains(class)).collect();
    for cause in diagnosis.causes.iter_mut().filter(|cause| standing.tried.contains(&cause.class)) {
        standing.weigh(cause, &rivals);
    }
    diagnosis.causes.sort_by_key(|cause| std::cmp::Reverse(cause.strength));
}

/// The classes of the candidates that fit, of all that were run, of those that cannot be it alone, and those that a probe excludes.
struct Standing {
    fitting: BTreeSet<FaultClass>,
    tried: BTreeSet<FaultClass>,
    excluded: BTreeSet<FaultClass>,
    ruled_out: BTreeSet<FaultClass>,
}

impl Standing {
    fn is_excluded(&self, class: FaultClass) -> bool {
        self.excluded.contains(&class) && !self.fitting.contains(&class)
    }

    fn weigh(&self, cause: &mut Cause, rivals: &[FaultClass]) {
        if !self.fitting.contains(&cause.class) {
            // What else it may be stays as it was: a twin that does not fit may differ in what the class does not determine.
            cause.strength = cause.strength.min(Strength::Moderate);
            return;
        }
        let had_rivals = !cause.or.is_empty();
        cause.or.retain(|class| !self.is_excluded(*class));
        if rivals.iter().any(|class| !cause.or.contains(class)) {
            cause.strength = cause.strength.min(Strength::Moderate);
        } else if had_rivals && cause.or.is_empty() {
            cause.strength = Strength::Strong;
        }
    }
}

/// Names what the only candidate that fits consists of, and drops what it makes superfluous: causes whose own twins were run and do not fit.
fn name(best: &Candidate, standing: &Standing, diagnosis: &mut Diagnosis) {
    // What a probe excludes is not named for looking alike.
    if best.classes.iter().any(|class| standing.ruled_out.contains(class) || !diagnosis.candidates.has(*class)) {
        return;
    }
    for cause in &mut diagnosis.causes {
        if let (false, Some(place)) =
            (standing.fitting.contains(&cause.class), cause.or.iter().position(|class| best.classes.contains(class)))
        {
            // Of several that it may be, this is the one that fits.
            let class = cause.or.remove(place);
            cause.or.insert(0, std::mem::replace(&mut cause.class, class));
        }
    }
    // What cannot be it alone, or leaves no trace from which its size could be estimated, adds nothing to what explains all by itself.
    let adds_nothing = |class: FaultClass| standing.is_excluded(class) || !standing.tried.contains(&class);
    let is_superfluous = |cause: &Cause| cause.classes().all(adds_nothing);
    diagnosis.causes.retain(|cause| !is_superfluous(cause));
    let mut seen = BTreeSet::new();
    diagnosis.causes.retain(|cause| seen.insert(cause.class));
    let explained = best.fit.as_ref().map_or(0, |fit| fit.runs);
    for class in best.classes.iter().filter(|class| !seen.contains(class)) {
        let fact = Fact::OnlyItsTwinFits { runs: explained, others: standing.tried.len() as u64 - best.classes.len() as u64 };
        diagnosis.causes.push(Cause { class: *class, or: Vec::new(), strength: Strength::Moderate, facts: vec![fact] });
    }
}
