//! U: a cache that keeps what was visible, so that a scan that was asked for early seems to stand still.

use crate::analysis::diagnosis::changes::OldChanges;
use crate::analysis::diagnosis::dataset::{Dataset, Observation};
use crate::analysis::diagnosis::fact::{Exclusion, Fact, Pairs};
use crate::analysis::diagnosis::thresholds::CHANCE;
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::answer::State;
use crate::model::exchange::Purpose;
use crate::model::fault::FaultClass;
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
        for (a, earlier) in scenario.arms.iter().enumerate() {
            for (b, alone) in scenario.arms.iter().enumerate() {
                let (Some(common), [only]) = (alone.offsets.first(), alone.offsets.as_slice()) else { continue };
                let polled_before = earlier.offsets.first() < Some(only) && earlier.offsets.contains(common);
                if a == b || !polled_before || earlier.connection != alone.connection {
                    continue;
                }
                let behind = |arm: usize| -> (u64, u64) {
                    let states: Vec<State> = data
                        .watched()
                        .filter(|row| row.scan.scenario() as usize == index && row.scan.arm() as usize == arm)
                        .flat_map(|row| row.observations)
                        .filter(|seen| seen.exchange.purpose == Purpose::Offset && seen.exchange.offset.get() == Some(common.as_nanos()))
                        .filter(|seen| seen.seen())
                        .filter_map(|seen| seen.exchange.state.filter(|state| *state != State::Unknown))
                        .collect();
                    (states.iter().filter(|state| **state == State::Running).count() as u64, states.len() as u64)
                };
                let ((early, of_early), (undisturbed, of_undisturbed)) = (behind(a), behind(b));
                if of_early < 4 || of_undisturbed < 4 {
                    continue;
                }
                let test =
                    Rates { base_events: undisturbed, base_trials: of_undisturbed, new_events: early, new_trials: of_early }.boschloo();
                let pairs = Pairs {
                    at: *common,
                    polled_before_denied: early,
                    polled_before: of_early,
                    undisturbed_denied: undisturbed,
                    undisturbed: of_undisturbed,
                };
                if test.p_higher < CHANCE {
                    let mut facts = vec![Fact::StatesDiffer { pairs, p: test.p_higher }];
                    facts.extend(from_cache(data));
                    diagnosis.found(FaultClass::U, Strength::Strong, facts);
                    return true;
                }
                tested = Some(pairs);
            }
        }
    }
    // Only scans that had ended show that nothing was kept.
    if let Some(pairs) = tested.filter(|pairs| pairs.undisturbed_denied < pairs.undisturbed) {
        diagnosis.excluded(FaultClass::U, Exclusion::StatesAlike { pairs });
    }
    false
}

/// Visible answers that came from a cache, by their headers.
fn from_cache(data: &Dataset<'_>) -> Option<Fact> {
    let says_hit = |seen: &&Observation<'_>| seen.seen() && seen.exchange.cache.as_deref().is_some_and(super::window_at_start::says_hit);
    let answers = data.watched().flat_map(|row| row.observations).filter(says_hit).count() as u64;
    (answers > 0).then_some(Fact::SeenFromCache { answers })
}
