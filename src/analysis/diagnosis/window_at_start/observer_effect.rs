//! D: a cache that keeps denials, so that polling lengthens the window.

use crate::analysis::diagnosis::dataset::{Dataset, Observation};
use crate::analysis::diagnosis::fact::{Exclusion, Fact, Pairs};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::exchange::Purpose;
use crate::model::fault::FaultClass;
use crate::statistics::compare::rates::Rates;

/// D: scans of equal age, one arm polled early and one not; the early polls make the difference.
pub(in crate::analysis::diagnosis) fn observer_effect(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> bool {
    let mut facts = Vec::new();
    let mut by_pairs = false;
    let mut tested = None;
    for (index, scenario) in data.journal.scenarios.iter().enumerate() {
        let [a, b] = scenario.arms.as_slice() else { continue };
        let (Some(common), Some(first_a), Some(first_b)) = (a.offsets.last(), a.offsets.first(), b.offsets.first()) else { continue };
        if b.offsets.last() != Some(common) || first_a == first_b || a.connection != b.connection {
            continue;
        }
        let early_is_a = first_a < first_b;
        let at_common = |arm_index: u32| {
            let observations = data
                .watched()
                .filter(|row| row.scan.scenario() as usize == index && row.scan.arm() == arm_index)
                .flat_map(|row| row.observations)
                .filter(|observation| {
                    observation.exchange.purpose == Purpose::Offset && observation.exchange.offset.get() == Some(common.as_nanos())
                });
            let answers: Vec<bool> = observations.map(Observation::seen).collect();
            (answers.iter().filter(|seen| !**seen).count() as u64, answers.len() as u64)
        };
        let (early, undisturbed) = if early_is_a { (at_common(0), at_common(1)) } else { (at_common(1), at_common(0)) };
        if early.1 < 4 || undisturbed.1 < 4 {
            continue;
        }
        let test = Rates { base_events: undisturbed.0, base_trials: undisturbed.1, new_events: early.0, new_trials: early.1 }.boschloo();
        let pairs = Pairs {
            at: *common,
            polled_before_denied: early.0,
            polled_before: early.1,
            undisturbed_denied: undisturbed.0,
            undisturbed: undisturbed.1,
        };
        // A cache that keeps denials makes all the difference; a threshold this low costs no power and hardly ever misleads.
        if test.p_higher <= 0.0005 {
            by_pairs = true;
            facts.push(Fact::PairsDiffer { pairs, p: test.p_higher });
        } else {
            tested = Some(pairs);
        }
    }
    let from_cache = data
        .watched()
        .flat_map(|row| row.observations)
        .filter(|observation| !observation.seen() && observation.exchange.cache.as_deref().is_some_and(says_hit))
        .count();
    if from_cache > 0 {
        facts.push(Fact::DeniedByCache { denials: from_cache as u64 });
    }
    if facts.is_empty() {
        if let Some(pairs) = tested {
            diagnosis.excluded(FaultClass::D, Exclusion::PairsAlike { pairs });
        }
        return false;
    }
    let strength = if by_pairs { Strength::Strong } else { Strength::Moderate };
    diagnosis.found(FaultClass::D, strength, facts);
    true
}

/// Whether a cache says that an answer was its own.
pub(in crate::analysis::diagnosis) fn says_hit(note: &str) -> bool {
    let note = note.to_ascii_lowercase();
    note.split(';').any(|part| {
        let part = part.trim();
        (part.contains("cache") && part.contains("hit"))
            || part.strip_prefix("age: ").is_some_and(|age| age.parse::<u64>().is_ok_and(|age| age > 0))
    })
}
