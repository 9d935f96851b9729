//! U: a cache that keeps what was visible, so that a scan that was asked for early seems to stand still.

use crate::analysis::diagnosis::changes::OldChanges;
use crate::analysis::diagnosis::dataset::{Dataset, Observation};
use crate::analysis::diagnosis::fact::{Exclusion, Fact, Pairs};
use crate::analysis::diagnosis::thresholds::{CHANCE, RARE_CHANCE};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::answer::State;
use crate::model::fault::FaultClass;
use crate::model::scenario::{Arm, Scenario};
use crate::model::time::Span;
use crate::statistics::compare::rates::Rates;

/// U: changes are read back old where the scan had been asked for before them, and nowhere else; or at equal age, scans that were polled
/// before still show that they are at work, and scans that were not show their end.
pub(super) fn positive_cache(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> bool {
    let old = OldChanges::of(data);
    let rates = Rates { base_events: old.unasked.0, base_trials: old.unasked.1, new_events: old.polled.0, new_trials: old.polled.1 };
    let p = rates.fisher().p_higher;
    if p < CHANCE {
        let ((polled_hidden, polled), (unasked_hidden, unasked)) = (old.polled, old.unasked);
        let mut facts = vec![Fact::OldWherePolled { polled_hidden, polled, unasked_hidden, unasked, p }];
        facts.extend(from_cache(data));
        diagnosis.found(FaultClass::U, Strength::Strong, facts);
        return true;
    }
    let mut tested = None;
    for (index, scenario) in data.journal.scenarios.iter().enumerate() {
        for pairs in comparisons(data, index, scenario) {
            // Which scan got which arm was drawn: this is the chance of the draw.
            let p = pairs.rates().fisher_higher();
            let cached = if p < CHANCE { from_cache(data) } else { None };
            // Jobs that differ in length differ by chance alone; only with a cache's own word for it is a less rare chance enough.
            if p < RARE_CHANCE || cached.is_some() {
                diagnosis.found(FaultClass::U, Strength::Strong, [Fact::StatesDiffer { pairs, p }].into_iter().chain(cached).collect());
                return true;
            }
            tested = Some(pairs);
        }
    }
    // Only scans that had ended show that nothing was kept.
    if let Some(pairs) = tested.filter(|pairs| pairs.undisturbed_denied < pairs.undisturbed) {
        diagnosis.excluded(FaultClass::U, Exclusion::StatesAlike { pairs });
    }
    false
}

/// The comparisons that a scenario allows: at each age that an arm which was polled before has in common with others, those which were first
/// polled by then. A scan that has ended by an earlier age has ended at a later one, so earlier polls of the others make the difference
/// smaller, if any.
fn comparisons(data: &Dataset<'_>, index: usize, scenario: &Scenario) -> Vec<Pairs> {
    let at_work = |arm: usize, age: Span| -> (u64, u64) {
        let seen = data.at_offset(index, arm, age).filter(|poll| poll.seen());
        let states: Vec<State> = seen.filter_map(|poll| poll.exchange.state.filter(|state| *state != State::Unknown)).collect();
        (states.iter().filter(|state| **state == State::Running).count() as u64, states.len() as u64)
    };
    let mut found = Vec::new();
    for (number, polled) in scenario.arms.iter().enumerate() {
        let mut undisturbed = (0, 0);
        for (place, common) in polled.offsets.iter().enumerate() {
            let is_alone = |arm: &Arm| arm.offsets.as_slice() == [*common] && arm.connection == polled.connection;
            let alone: Vec<usize> = (0..scenario.arms.len()).filter(|other| *other != number && is_alone(&scenario.arms[*other])).collect();
            for (more, all) in alone.iter().map(|other| at_work(*other, *common)) {
                undisturbed = (undisturbed.0 + more, undisturbed.1 + all);
            }
            if place > 0 && !alone.is_empty() {
                found.extend(Pairs::of(*common, at_work(number, *common), undisturbed));
            }
        }
    }
    found
}

/// Visible answers that came from a cache, by their headers.
fn from_cache(data: &Dataset<'_>) -> Option<Fact> {
    let says_hit = |seen: &&Observation<'_>| seen.seen() && seen.exchange.cache.as_deref().is_some_and(super::window_at_start::says_hit);
    let answers = data.watched().flat_map(|row| row.observations).filter(says_hit).count() as u64;
    (answers > 0).then_some(Fact::SeenFromCache { answers })
}
