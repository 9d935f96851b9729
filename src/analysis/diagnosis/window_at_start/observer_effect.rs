//! D: a cache that keeps denials, so that polling lengthens the window.

use std::collections::BTreeMap;

use crate::analysis::diagnosis::dataset::{Dataset, Observation};
use crate::analysis::diagnosis::fact::{Exclusion, Fact, Pairs};
use crate::analysis::diagnosis::thresholds::{OLDEST_MS, RARE_CHANCE};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::fault::FaultClass;
use crate::model::scenario::Until;

/// D: scans of equal age, one arm polled early and one not; the early polls make the difference.
pub(in crate::analysis::diagnosis) fn observer_effect(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> bool {
    if diagnosis.names(FaultClass::W) {
        // Whoever reads an end uses it up: that polling makes a difference is said already.
        return false;
    }
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
        let at_common = |arm: usize| {
            let answers: Vec<bool> = data.at_offset(index, arm, *common).map(Observation::seen).collect();
            (answers.iter().filter(|seen| !**seen).count() as u64, answers.len() as u64)
        };
        let (early, undisturbed) = if early_is_a { (at_common(0), at_common(1)) } else { (at_common(1), at_common(0)) };
        let Some(pairs) = Pairs::of(*common, early, undisturbed) else { continue };
        let test = pairs.rates().boschloo();
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
    // Scenarios differ in how many scans they ask for at a time, and at which instants: only where that makes no difference are they compared,
    // and only where no pairs were.
    if diagnosis.excludes(FaultClass::E) && tested.is_none() && !diagnosis.names(FaultClass::F) {
        let ages = EqualAges::of(data);
        if ages.p() < RARE_CHANCE {
            facts.push(Fact::PolledBeforeDenied { classes: ages.classes, denied: ages.denied, of: ages.polled, p: ages.p() });
        }
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

/// Polls of equal age of scans that had been asked for before, and of scans that had not, over all scenarios; bursts are left out, whose
/// queue denies more of them. Each scan counts once in each class of ages, with its last poll in it; ages double in every other class.
struct EqualAges {
    /// Classes of ages in which there are both.
    classes: u64,
    /// Of the scans that had been asked for before: denied, and all.
    denied: u64,
    polled: u64,
    /// Denials beyond what is expected if it made no difference, and their variance (Mantel and Haenszel, 1959).
    excess: f64,
    variance: f64,
}

fn class_of(age_ms: f64) -> i32 {
    (age_ms.max(1.0).log2() * 2.0).floor() as i32
}

impl EqualAges {
    fn of(data: &Dataset<'_>) -> EqualAges {
        // By class: denied and all of those that were asked for before, and of those that were not.
        let mut by_age: BTreeMap<i32, [(f64, f64); 2]> = BTreeMap::new();
        for row in data.watched().filter(|row| !data.is_of_burst(row)) {
            let mut last: BTreeMap<i32, (bool, bool)> = BTreeMap::new();
            // Who is watched until it is visible would be seen at every later age, and is not asked for again.
            let follow = data.scenario(row).arms.get(row.scan.arm() as usize).and_then(|arm| arm.follow);
            if let Some(seen) = row.first_seen().filter(|_| follow.is_some_and(|follow| follow.until == Until::Visible)) {
                last.extend((class_of(seen) + 1..=class_of(OLDEST_MS)).map(|class| (class, (true, false))));
            }
            for (place, observation) in row.observations.iter().enumerate() {
                last.insert(class_of(observation.age()), (place > 0, !observation.seen()));
            }
            for (class, (before, denied)) in last {
                let count = &mut by_age.entry(class).or_default()[usize::from(before)];
                *count = (count.0 + f64::from(u8::from(denied)), count.1 + 1.0);
            }
        }
        let mut sum = EqualAges { classes: 0, denied: 0, polled: 0, excess: 0.0, variance: 0.0 };
        for [(first_denied, first), (later_denied, later)] in by_age.into_values() {
            let (all, denied) = (first + later, first_denied + later_denied);
            if first < 1.0 || later < 1.0 {
                continue;
            }
            sum.classes += 1;
            sum.denied += later_denied as u64;
            sum.polled += later as u64;
            sum.excess += later_denied - denied * later / all;
            sum.variance += first * later * denied * (all - denied) / (all * all * (all - 1.0).max(1.0));
        }
        sum
    }

    /// The chance of so many denials where it makes no difference, with a continuity correction.
    fn p(&self) -> f64 {
        if self.variance <= 0.0 { 1.0 } else { 0.5 * libm::erfc((self.excess - 0.5).max(0.0) / (2.0 * self.variance).sqrt()) }
    }
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
